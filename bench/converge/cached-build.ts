import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { cached, fillCache } from "../../test/control-plane/binary-cache.ts";

/** What builds leave beside the sources when somebody runs them by hand. */
const PRODUCTS: ReadonlySet<string> = new Set(["target", "node_modules", "__pycache__"]);

export interface Build {
  /** Also names the result in the cache. */
  readonly name: string;
  /** Directory of the sources: another content is another build. */
  readonly sources: string;
  /** Files that show, by their sizes, that a result in the cache is whole. */
  readonly products: readonly string[];
  /** Makes the products in `dir`, which has another name afterwards. */
  readonly make: (dir: string) => Promise<void>;
}

/** Builds what is not yet in the cache of this user, beside the control plane's binaries; resolves to the directory of the result. */
export async function cachedBuild(build: Build, onProgress: (line: string) => void): Promise<string> {
  const root = await cacheRoot();
  const dir = join(root, `bench-${build.name}-${await digestOf(build.sources)}-${process.platform}-${process.arch}`);
  if (await cached(dir, build.products)) return dir;
  const fill = async (fresh: string): Promise<void> => {
    const started = performance.now();
    onProgress(`building ${build.name}`);
    await build.make(fresh);
    onProgress(`built ${build.name} in ${Math.round((performance.now() - started) / 1_000)} s`);
  };
  await fillCache({ dir, names: build.products, fill, onProgress });
  return dir;
}

/** A directory that outlives builds, for what the next one can use again. */
export async function buildDirectory(name: string): Promise<string> {
  return join(await cacheRoot(), name);
}

/** Runs a tool and resolves to what it printed. @throws Error with the end of its output when it fails. */
export async function run(cwd: string, file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout } = await promisify(execFile)(file, [...args], options);
    return stdout;
  } catch (error) {
    const { message, stderr } = error as { readonly message: string; readonly stderr?: string };
    throw new Error(`${file} ${args[0]} failed:\n${(stderr || message).slice(-4_000)}`);
  }
}

async function cacheRoot(): Promise<string> {
  const root = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "custom-domain-operator");
  await mkdir(root, { recursive: true });
  return root;
}

async function digestOf(sources: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await filesOf(sources)).sort()) {
    hash.update(`${relative(sources, file)}\0`).update(await readFile(file));
  }
  return hash.digest("hex").slice(0, 12);
}

async function filesOf(dir: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory() && !PRODUCTS.has(entry.name)) files.push(...(await filesOf(join(dir, entry.name))));
    if (entry.isFile()) files.push(join(dir, entry.name));
  }
  return files;
}
