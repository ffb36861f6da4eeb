import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Versions {
  /** With the leading "v". */
  readonly kubernetes: string;
  readonly etcd: string;
}

/** go.mod is the one place where versions are pinned, so that the tools that update dependencies find them. */
export function pinnedVersions(): Versions {
  const module = readFileSync(join(import.meta.dirname, "go.mod"), "utf8");
  return { kubernetes: required(module, "k8s.io/kubernetes"), etcd: required(module, "go.etcd.io/etcd/server/v3") };
}

function required(module: string, path: string): string {
  const version = new RegExp(`^\\s*(?:require )?${path.replaceAll(".", "\\.")} (v\\S+)`, "m").exec(module)?.[1];
  if (version === undefined) {
    throw new Error(`go.mod requires no version of ${path}`);
  }
  return version;
}
