import { access, constants, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { cached, fillCache } from "./binary-cache.ts";
import { download } from "./download.ts";
import { goBuild } from "./go-build.ts";
import { pinnedVersions, type Versions } from "./versions.ts";

export const BINARY_NAMES = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"] as const;
export type BinaryName = (typeof BINARY_NAMES)[number];

/** Absolute paths. */
export interface Binaries {
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly kubeControllerManager: string;
  readonly kubectl: string;
}

export interface Platform {
  /** As Go and the download sites name them: linux, darwin; amd64, arm64. */
  readonly os: string;
  readonly arch: string;
}

/** Where binaries come from and what they are; everything a source needs to make some of them in `dir`. */
export interface BinaryRequest {
  readonly dir: string;
  readonly names: readonly BinaryName[];
  readonly versions: Versions;
  readonly platform: Platform;
  readonly env: NodeJS.ProcessEnv;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface BinaryOptions {
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
  /** Makes all the names of its request, or throws. */
  readonly build?: (request: BinaryRequest) => Promise<void>;
}

/**
 * The binaries of a control plane, from the first source that has them: `KUBEBUILDER_ASSETS`, the cache of this user, published binaries
 * (see download.ts for the addresses), `go build`. What the latter two give goes into the cache, so that it is got once per version.
 *
 * `KUBEBUILDER_ASSETS`, as setup-envtest fills it, has no kube-controller-manager: what it lacks comes from the other sources.
 */
export async function ensureBinaries(options: BinaryOptions = {}): Promise<Binaries> {
  const env = options.env ?? process.env;
  const assets = env.KUBEBUILDER_ASSETS ? await assetsIn(env.KUBEBUILDER_ASSETS) : new Map<BinaryName, string>();
  if (assets.size === BINARY_NAMES.length) {
    return pathsOf((name) => assets.get(name));
  }
  const versions = pinnedVersions();
  const platform = { os: process.platform, arch: process.arch === "x64" ? "amd64" : process.arch };
  const root = join(env.XDG_CACHE_HOME || join(env.HOME ?? homedir(), ".cache"), "custom-domain-operator");
  const dir = join(root, `${versions.kubernetes}-etcd-${versions.etcd}-${platform.os}-${platform.arch}`);
  const onProgress = options.onProgress ?? (() => {});
  if (!(await cached(dir, BINARY_NAMES))) {
    await mkdir(root, { recursive: true });
    const fill = (dir: string) =>
      obtain({ dir, names: BINARY_NAMES, versions, platform, env, onProgress, ...signalOf(options) }, options.build ?? goBuild);
    await fillCache({ dir, names: BINARY_NAMES, fill, onProgress, ...signalOf(options) });
  }
  return pathsOf((name) => assets.get(name) ?? join(dir, name));
}

async function obtain(request: BinaryRequest, build: (request: BinaryRequest) => Promise<void>): Promise<void> {
  const got = await download(request);
  const names = request.names.filter((name) => !got.has(name));
  if (names.length > 0) {
    request.signal?.throwIfAborted();
    await build({ ...request, names });
  }
}

async function assetsIn(dir: string): Promise<Map<BinaryName, string>> {
  const found = new Map<BinaryName, string>();
  for (const name of BINARY_NAMES) {
    const path = join(dir, name);
    if (await isExecutable(path)) {
      found.set(name, path);
    }
  }
  if (!found.has("etcd") || !found.has("kube-apiserver")) {
    throw new Error(`KUBEBUILDER_ASSETS is ${dir}, which does not hold an executable etcd and kube-apiserver`);
  }
  return found;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function pathsOf(path: (name: BinaryName) => string | undefined): Binaries {
  const known = (name: BinaryName): string => path(name) ?? name;
  return {
    etcd: known("etcd"),
    kubeApiserver: known("kube-apiserver"),
    kubeControllerManager: known("kube-controller-manager"),
    kubectl: known("kubectl"),
  };
}

function signalOf(options: BinaryOptions): { readonly signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
