import { execFile } from "node:child_process";

export interface KubectlRun {
  readonly code: number;
  readonly stdout: string;
  /** Refusals and the API server's warnings. */
  readonly stderr: string;
}

/** Runs a kubectl binary against one kubeconfig; `null` is for commands that need no cluster. Every exit code is an answer. `signal` ends it. */
export function kubectl(
  binary: string,
  kubeconfig: string | null,
  args: readonly string[],
  stdin = "",
  signal?: AbortSignal,
): Promise<KubectlRun> {
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", KUBECONFIG: kubeconfig ?? "/dev/null" };
  return new Promise((resolve, reject) => {
    const options = { env, maxBuffer: 64 * 1024 * 1024, ...(signal === undefined ? {} : { signal }) };
    const child = execFile(binary, args, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") {
        reject(error);
      } else {
        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
      }
    });
    child.stdin?.end(stdin);
  });
}
