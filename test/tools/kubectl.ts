import { execFile } from "node:child_process";

export interface KubectlRun {
  readonly code: number;
  readonly stdout: string;
  /** Refusals and the API server's warnings. */
  readonly stderr: string;
}

/** Runs a kubectl binary against one kubeconfig; `null` is for commands that need no cluster. Every exit code is an answer. */
export function kubectl(binary: string, kubeconfig: string | null, args: readonly string[], stdin = ""): Promise<KubectlRun> {
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", KUBECONFIG: kubeconfig ?? "/dev/null" };
  return new Promise((resolve, reject) => {
    const child = execFile(binary, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") {
        reject(error);
      } else {
        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
      }
    });
    child.stdin?.end(stdin);
  });
}
