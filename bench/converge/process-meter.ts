import { readdir, readFile, readlink } from "node:fs/promises";
import { cpuSeconds, memory } from "../figures/process-usage.ts";

const SAMPLE_MS = 500;
const ESTABLISHED = "01";
const STATE = 3;
const REMOTE = 2;
const INODE = 9;

export interface Usage {
  readonly cpuSeconds: number;
  /** Of a process with children, the sum of the peaks. */
  readonly peakRssBytes: number;
  /** Connections to the API server at once, the most in any sample. */
  readonly peakConnections: number;
}

/** What a process and its children use, read from /proc: from outside, and the same for every language. */
export class ProcessMeter implements Disposable {
  readonly #pid: number;
  readonly #portSuffix: string;
  readonly #timer: NodeJS.Timeout;
  #peakConnections = 0;

  constructor(pid: number, apiServer: URL) {
    this.#pid = pid;
    this.#portSuffix = `:${Number(apiServer.port).toString(16).toUpperCase().padStart(4, "0")}`;
    this.#timer = setInterval(() => void this.#sample(), SAMPLE_MS);
  }

  async read(): Promise<Usage> {
    const pids = await treeOf(this.#pid);
    const cpu = await Promise.all(pids.map(cpuSeconds));
    const peaks = await Promise.all(pids.map(async (pid) => (await memory(pid)).peak));
    return { cpuSeconds: sum(cpu), peakRssBytes: sum(peaks), peakConnections: this.#peakConnections };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #sample(): Promise<void> {
    try {
      const [open, ...owned] = await Promise.all([connectionsTo(this.#portSuffix), ...(await treeOf(this.#pid)).map(socketsOf)]);
      const count = owned.flat().filter((inode) => open.has(inode)).length;
      this.#peakConnections = Math.max(this.#peakConnections, count);
    } catch {
      // The process has ended.
    }
  }
}

/** The CPU seconds of several processes. */
export async function cpuOf(pids: readonly number[]): Promise<number> {
  return sum(await Promise.all(pids.map(cpuSeconds)));
}

/** The process and all that descend from it and live. */
async function treeOf(pid: number): Promise<number[]> {
  const found = [pid];
  for (const parent of found) {
    const threads = await readdir(`/proc/${parent}/task`);
    const children = await Promise.all(
      threads.map((thread) => readFile(`/proc/${parent}/task/${thread}/children`, "utf8").catch(() => "")),
    );
    found.push(...children.join(" ").split(" ").filter(Boolean).map(Number));
  }
  return found;
}

/** Inodes of the sockets that are connected to a port, by its hexadecimal end as /proc/net/tcp writes it. */
async function connectionsTo(portSuffix: string): Promise<ReadonlySet<string>> {
  const tables = await Promise.all(["tcp", "tcp6"].map((table) => readFile(`/proc/net/${table}`, "utf8").catch(() => "")));
  const rows = tables.flatMap((table) => table.split("\n").slice(1)).map((line) => line.trim().split(/\s+/));
  const connected = rows.filter((row) => row[STATE] === ESTABLISHED && row[REMOTE]?.endsWith(portSuffix));
  return new Set(connected.map((row) => row[INODE] ?? ""));
}

async function socketsOf(pid: number): Promise<string[]> {
  const files = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => "")));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
