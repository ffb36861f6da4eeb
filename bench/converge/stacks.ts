import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleOurs } from "../bundle.ts";
import { buildDirectory, cachedBuild, run } from "./cached-build.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const PEERS = join(ROOT, "bench", "peers");
const NODE = join(ROOT, "node_modules", ".bin", "node");

/** How a stack is started; it also gets the environment that stack-process.ts sets. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Of the library and of what it runs on. */
  readonly version: string;
}

export interface Stack {
  readonly name: string;
  /** How it was tuned, for the reader of the figures. The sources in bench/peers say the same in code. */
  readonly settings: readonly string[];
  /** False for one that has nothing to remove finalizers with. */
  readonly deletes: boolean;
  /** Builds what is not built yet. */
  readonly prepare: (onProgress: (line: string) => void) => Promise<Command>;
}

const ours: Stack = {
  name: "ours",
  settings: ["64 workers", "the shipped runtime, bundled like the product", "leader election, metrics, health and RBAC on"],
  deletes: true,
  prepare: async () => ({ file: NODE, args: [await bundleOurs()], version: `Node.js ${process.version}` }),
};

const controllerRuntime: Stack = {
  name: "controller-runtime",
  settings: [
    "MaxConcurrentReconciles 64, QPS 5000, Burst 10000",
    "GenerationChangedPredicate, managed fields stripped from the cache",
    "leader election and metrics on",
    "status by Update; one HTTP/2 connection, as client-go does",
  ],
  deletes: true,
  prepare: async (onProgress) => {
    const sources = join(PEERS, "controller-runtime");
    const make = async (dir: string): Promise<void> => {
      const flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"];
      await run(sources, "go", ["build", ...flags, "-o", join(dir, "operator"), "."], { CGO_ENABLED: "0", GOWORK: "off" });
    };
    const dir = await cachedBuild({ name: "controller-runtime", sources, products: ["operator"], make }, onProgress);
    const library = await versionIn(sources, "go.mod", /controller-runtime (v\S+)/);
    const go = (await run(sources, "go", ["env", "GOVERSION"])).trim();
    return { file: join(dir, "operator"), args: [], version: `controller-runtime ${library}, ${go}` };
  },
};

const kubeRs: Stack = {
  name: "kube-rs",
  settings: [
    "concurrency 64, release build with thin LTO, rustls",
    "predicates generation and finalizers, list semantic Any, managed fields cleared",
    "finalizer helper; status by replace_status",
    "kube-rs has no leader election, and no limit for the connections of its pool",
  ],
  deletes: true,
  prepare: async (onProgress) => {
    const sources = join(PEERS, "kube-rs");
    const make = async (dir: string): Promise<void> => {
      const target = await buildDirectory("bench-cargo-target");
      await run(sources, "cargo", ["build", "--release", "--locked", "--target-dir", target]);
      await copyFile(join(target, "release", "bench-kube-rs"), join(dir, "operator"));
    };
    const dir = await cachedBuild({ name: "kube-rs", sources, products: ["operator"], make }, onProgress);
    const library = await versionIn(sources, "Cargo.lock", /name = "kube"\nversion = "(\S+)"/);
    const rust = (await run(sources, "rustc", ["--version"])).split(" ").slice(0, 2).join(" ");
    return { file: join(dir, "operator"), args: [], version: `kube ${library}, ${rust}` };
  },
};

const kopf: Stack = {
  name: "kopf",
  settings: [
    "worker_limit 64, idle_timeout and consistency_timeout 0.02 s (default 5 s), uvloop, --quiet",
    "posting and scanning off, standalone (without peering)",
    "progress and last-handled state in the status, so that there is one write for both",
  ],
  deletes: true,
  prepare: async (onProgress) => {
    const sources = join(PEERS, "kopf");
    const make = async (dir: string): Promise<void> => {
      await run(sources, "python3", ["-m", "venv", dir]);
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
      await run(sources, join(dir, "bin", "python"), pip);
    };
    const dir = await cachedBuild({ name: "kopf", sources, products: ["pyvenv.cfg"], make }, onProgress);
    const library = await versionIn(sources, "requirements.txt", /kopf==(\S+)/);
    const file = join(dir, "bin", "python");
    const python = (await run(sources, file, ["--version"])).trim();
    const args = ["-B", "-m", "kopf", "run", "--quiet", "--standalone", "--all-namespaces", join(sources, "handlers.py")];
    return { file, args, version: `kopf ${library}, ${python}` };
  },
};

const typescript: Stack = {
  name: "typescript",
  settings: [
    "@dot-i/k8s-operator as its README shows",
    "one event at a time, a connection for each request: it has no setting for either",
  ],
  deletes: true,
  prepare: async (onProgress) => {
    const sources = join(PEERS, "typescript");
    const files = ["package.json", "package-lock.json", "main.js"];
    const make = async (dir: string): Promise<void> => {
      for (const file of files) await copyFile(join(sources, file), join(dir, file));
      await run(dir, "npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
    };
    const dir = await cachedBuild({ name: "typescript", sources, products: files, make }, onProgress);
    const library = await versionIn(sources, "package.json", /"@dot-i\/k8s-operator": "(\S+)"/);
    const version = `@dot-i/k8s-operator ${library}, Node.js ${process.version}`;
    return { file: NODE, args: [join(dir, "main.js")], version };
  },
};

const bareLoop: Stack = {
  name: "bare-loop",
  settings: [
    "no runtime: one list, then PUT, call, PUT status by undici",
    "64 at a time over 64 connections, no watch, no deletion",
  ],
  deletes: false,
  prepare: async () => ({
    file: NODE,
    args: [join(PEERS, "bare-loop", "main.ts")],
    version: `Node.js ${process.version}`,
  }),
};

export const STACKS: readonly Stack[] = [ours, controllerRuntime, kubeRs, kopf, typescript, bareLoop];

async function versionIn(sources: string, file: string, pattern: RegExp): Promise<string> {
  const version = pattern.exec(await readFile(join(sources, file), "utf8"))?.[1];
  if (version === undefined) throw new Error(`${file} names no version`);
  return version;
}
