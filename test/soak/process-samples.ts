import { readdir, readFile } from "node:fs/promises";

/** What a process holds at one moment. */
export interface ProcessSample {
  readonly pid: number;
  /** Milliseconds since the soak began. */
  readonly at: number;
  readonly rssBytes: number;
  /** Open files, sockets and pipes. */
  readonly handles: number;
}

/** As Linux tells of it; undefined when the process has ended meanwhile. */
export async function sampleOf(pid: number, at: number): Promise<ProcessSample | undefined> {
  try {
    const [status, handles] = await Promise.all([readFile(`/proc/${pid}/status`, "utf8"), readdir(`/proc/${pid}/fd`)]);
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : { pid, at, rssBytes: Number(kilobytes) * 1_024, handles: handles.length };
  } catch {
    return undefined;
  }
}
