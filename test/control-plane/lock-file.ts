import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const HEARTBEAT_MS = 5_000;
const STALE_MS = 60_000;
const POLL_MS = 250;

export interface LockOptions {
  /** When this becomes true while another process holds the lock, the lock is no longer wanted. */
  readonly until: () => Promise<boolean>;
  readonly onWait: (owner: number) => void;
  readonly signal?: AbortSignal;
}

export interface Lock {
  release(): Promise<void>;
}

interface Owner {
  readonly pid: number;
  readonly host: string;
}

/**
 * A lock that a crash cannot leave behind: its file names the owner's process, and its time is renewed while that lives. It is stale when
 * the process is gone (told on the same host only) or the time is old. Two processes that find it stale at the same moment could both end
 * up as owners, so it may guard against repeated work but not against damage.
 */
export async function holdLock(path: string, options: LockOptions): Promise<Lock | undefined> {
  for (let waiting = false; !(await options.until()); ) {
    options.signal?.throwIfAborted();
    if (await create(path)) {
      return renewed(path);
    }
    const owner = await readOwner(path);
    if (owner !== undefined && (await isStale(path, owner))) {
      const aside = `${path}.stale-${process.pid}`;
      await rename(path, aside).catch(() => {});
      await rm(aside, { force: true });
      continue;
    }
    if (!waiting && owner !== undefined) {
      waiting = true;
      options.onWait(owner.pid);
    }
    await sleep(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(() =>
      options.signal?.throwIfAborted(),
    );
  }
  return undefined;
}

async function create(path: string): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname() } satisfies Owner), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      return false;
    }
    throw error;
  }
}

function renewed(path: string): Lock {
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    release: async () => {
      clearInterval(heartbeat);
      const owner = await readOwner(path);
      if (owner?.pid === process.pid && owner.host === hostname()) {
        await rm(path, { force: true });
      }
    },
  };
}

/** Undefined when the file is gone. One that cannot be read as an owner is being written, or was cut short: its time decides. */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const text = await readFile(path, "utf8");
    const { pid, host } = JSON.parse(text || "{}") as Partial<Owner>;
    return { pid: pid ?? 0, host: host ?? "" };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : { pid: 0, host: "" };
  }
}

async function isStale(path: string, owner: Owner): Promise<boolean> {
  if (owner.pid !== 0 && owner.host === hostname() && !isAlive(owner.pid)) {
    return true;
  }
  const renewedAt = await stat(path).then(
    (info) => info.mtimeMs,
    () => Date.now(),
  );
  return Date.now() - renewedAt > STALE_MS;
}

/** Whether a process of this host runs under this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
