import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { cached, fillCache } from "../control-plane/binary-cache.ts";

/** The command line tools that go.mod here pins. */
export type ToolName = "helm";

const PACKAGES: Record<ToolName, { readonly module: string; readonly command: string }> = {
  helm: { module: "helm.sh/helm/v3", command: "helm.sh/helm/v3/cmd/helm" },
};

export interface ToolOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The absolute path of a tool, built once per pinned version for all clones of this user. Any number of processes may ask at once:
 * one builds and the others wait for it.
 *
 * @throws Error when the Go toolchain is missing or the build fails; the message holds the end of its output.
 */
export async function ensureTool(name: ToolName, options: ToolOptions = {}): Promise<string> {
  const env = options.env ?? process.env;
  const root = join(env.XDG_CACHE_HOME || join(env.HOME ?? homedir(), ".cache"), "custom-domain-operator");
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const dir = join(root, `tools-${name}-${pinnedVersion(PACKAGES[name].module)}-${process.platform}-${arch}`);
  if (!(await cached(dir, [name]))) {
    await mkdir(root, { recursive: true });
    const onProgress = options.onProgress ?? (() => {});
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const fill = (fresh: string) => goBuild(name, fresh, { env, onProgress, ...signal });
    await fillCache({ dir, names: [name], fill, onProgress, ...signal });
  }
  return join(dir, name);
}

/** The version of a module in go.mod here, with the leading "v". */
function pinnedVersion(module: string): string {
  const lines = readFileSync(join(import.meta.dirname, "go.mod"), "utf8").split("\n");
  const version = lines.map((line) => line.trim().split(" ")).find(([path]) => path === module)?.[1];
  if (version === undefined) {
    throw new Error(`test/tools/go.mod requires no version of ${module}`);
  }
  return version;
}

/**
 * The control plane's build has the same flags, so that the packages which both need are compiled once. The stamps are those of Helm's
 * own releases: without them it takes every cluster that it cannot ask for Kubernetes 1.20.
 */
function flags(): string[] {
  const [, minor] = pinnedVersion("k8s.io/client-go").split(".");
  const stamps = [
    `-X helm.sh/helm/v3/internal/version.version=${pinnedVersion(PACKAGES.helm.module)}`,
    ...["pkg/lint/rules", "pkg/chartutil"].flatMap((path) => [
      `-X helm.sh/helm/v3/${path}.k8sVersionMajor=1`,
      `-X helm.sh/helm/v3/${path}.k8sVersionMinor=${minor}`,
    ]),
  ];
  return ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", ["-s", "-w", ...stamps].join(" ")];
}

interface Build {
  readonly env: NodeJS.ProcessEnv;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

async function goBuild(name: ToolName, dir: string, { env, onProgress, ...signal }: Build): Promise<void> {
  onProgress(`building ${name} ${pinnedVersion(PACKAGES[name].module)}, which takes some minutes the first time`);
  const child = spawn("go", ["build", ...flags(), "-o", join(dir, name), PACKAGES[name].command], {
    cwd: import.meta.dirname,
    env: { ...env, CGO_ENABLED: "0", GOWORK: "off" },
    stdio: ["ignore", "ignore", "pipe"],
    ...signal,
  });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    output = `${output}${chunk}`.slice(-4_000);
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "ENOENT" ? new Error(`${name} is not built yet and there is no go command to build it`) : error),
    );
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`go build of ${name} failed:\n${output}`))));
  });
}
