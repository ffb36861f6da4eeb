import { mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { holdLock, isAlive } from "./lock-file.ts";

const MANIFEST = "manifest.json";

export interface CacheFill {
  readonly dir: string;
  readonly names: readonly string[];
  /** Makes the files, executable, in the directory it is given. */
  readonly fill: (dir: string) => Promise<void>;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Whether the directory holds all the files, each as long as when it was finished. A directory appears under its name only by a rename
 * after everything in it was written; the manifest also catches what was damaged later.
 */
export async function cached(dir: string, names: readonly string[]): Promise<boolean> {
  try {
    const sizes: Record<string, number> = JSON.parse(await readFile(join(dir, MANIFEST), "utf8"));
    const found = await Promise.all(names.map((name) => stat(join(dir, name))));
    return names.every((name, index) => found[index]?.size === sizes[name] && ((found[index]?.mode ?? 0) & 0o100) !== 0);
  } catch {
    return false;
  }
}

/**
 * Fills the cache once, however many processes ask. The lock only spares work: each process fills a directory of its own on the same
 * file system, so even two owners at once leave one complete result.
 */
export async function fillCache(request: CacheFill): Promise<void> {
  const { dir, names } = request;
  const lock = await holdLock(`${dir}.lock`, {
    until: () => cached(dir, names),
    onWait: (owner) => request.onProgress(`waiting for process ${owner}, which is obtaining the control-plane binaries`),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  if (lock === undefined) {
    return;
  }
  try {
    if (await cached(dir, names)) {
      return;
    }
    await removeAbandoned(dir);
    const fresh = await mkdtemp(`${prefix(dir)}${process.pid}-`);
    try {
      await request.fill(fresh);
      await seal(fresh, names);
      await putInPlace(fresh, request);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  } finally {
    await lock.release();
  }
}

/** Makes the files durable before the manifest says that they are complete. */
async function seal(dir: string, names: readonly string[]): Promise<void> {
  const sizes: Record<string, number> = {};
  for (const name of names) {
    const file = await open(join(dir, name), "r");
    try {
      await file.chmod(0o755);
      await file.sync();
      sizes[name] = (await file.stat()).size;
    } finally {
      await file.close();
    }
  }
  await writeFile(join(dir, MANIFEST), `${JSON.stringify(sizes, null, 2)}\n`, { flush: true });
}

async function putInPlace(fresh: string, { dir, names }: CacheFill): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      await rename(fresh, dir);
      return;
    } catch (error) {
      if (await cached(dir, names)) {
        return;
      }
      if (attempt === 4) {
        throw error;
      }
      // What stands there is damaged. Moved aside rather than deleted in place: a file of it may be running.
      const aside = `${fresh}.damaged`;
      await rename(dir, aside).catch(() => {});
      await rm(aside, { recursive: true, force: true });
      await sleep(50);
    }
  }
}

/** Directories of owners that were killed. Their names hold the process id of the owner, on this host. */
async function removeAbandoned(dir: string): Promise<void> {
  const start = basename(prefix(dir));
  for (const name of await readdir(dirname(dir))) {
    const pid = name.startsWith(start) ? Number.parseInt(name.slice(start.length), 10) : Number.NaN;
    if (!Number.isNaN(pid) && pid !== process.pid && !isAlive(pid)) {
      await rm(join(dirname(dir), name), { recursive: true, force: true });
    }
  }
}

function prefix(dir: string): string {
  return `${dir}.partial-${hostname()}-`;
}
