import { type ChildProcess, spawn } from "node:child_process";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BinaryName, BinaryRequest } from "./binaries.ts";
import type { Versions } from "./versions.ts";

const REPORT_MS = 10_000;

const PACKAGES: Record<BinaryName, string> = {
  etcd: "go.etcd.io/etcd/server/v3",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
  kubectl: "k8s.io/kubernetes/cmd/kubectl",
};

/** Builds from the Go module beside this file. The first time takes minutes, so progress says how far it is. */
export async function goBuild(request: BinaryRequest): Promise<void> {
  const packages = request.names.map((name) => PACKAGES[name]);
  const started = Date.now();
  let step = "fetching Go modules";
  const report = () =>
    request.onProgress(`building ${request.names.join(", ")}: ${Math.round((Date.now() - started) / 1000)} s, ${step}`);
  report();
  const reports = setInterval(report, REPORT_MS);
  try {
    let total = 0;
    await go(["list", "-mod=readonly", "-deps", ...packages], request, () => total++);
    let compiled = 0;
    step = `compiling ${total} packages`;
    await go(["build", "-v", ...flags(request.versions), "-o", `${request.dir}/`, ...packages], request, (line) => {
      compiled++;
      step =
        PACKAGES[request.names.at(-1) ?? "etcd"] === line
          ? "linking"
          : `${compiled} of at most ${total} packages compiled (${line})`;
    });
    if (request.names.includes("etcd")) {
      await rename(join(request.dir, "server"), join(request.dir, "etcd"));
    }
    request.onProgress(`built ${request.names.join(", ")} in ${Math.round((Date.now() - started) / 1000)} s`);
  } finally {
    clearInterval(reports);
  }
}

/** Without a stamped version the API server reports v0.0.0-master, which clients take for an old server. */
function flags({ kubernetes }: Versions): string[] {
  const [major, minor] = kubernetes.slice(1).split(".");
  const stamps = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) => [
    `-X ${path}.gitVersion=${kubernetes}`,
    `-X ${path}.gitMajor=${major}`,
    `-X ${path}.gitMinor=${minor}`,
    `-X ${path}.gitTreeState=clean`,
    `-X ${path}.gitCommit=unknown`,
  ]);
  return ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", ["-s", "-w", ...stamps].join(" ")];
}

async function go(args: readonly string[], request: BinaryRequest, onLine: (line: string) => void): Promise<void> {
  const child = spawn("go", args, {
    cwd: import.meta.dirname,
    env: { ...request.env, CGO_ENABLED: "0", GOWORK: "off" },
    stdio: ["ignore", "pipe", "pipe"],
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  const last: string[] = [];
  createInterface({ input: child.stdout }).on("line", onLine);
  createInterface({ input: child.stderr }).on("line", (line) => {
    last.push(line);
    last.splice(0, last.length - 20);
    if (!line.includes(" ")) {
      onLine(line);
    }
  });
  await finished(child, () => `go ${args[0]} failed:\n${last.join("\n")}`);
}

function finished(child: ChildProcess, failure: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      const absent = "no go command: install Go, or set KUBEBUILDER_ASSETS to a directory with etcd, kube-apiserver and kubectl";
      reject(error.code === "ENOENT" ? new Error(absent) : error);
    });
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(failure()))));
  });
}
