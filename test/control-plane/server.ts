import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Exit, ProcessGroup } from "./process-group.ts";
import { waitUntil } from "./wait-until.ts";

/** Whether the server is ready; `log` is what it wrote since this start. A failing check counts as not ready. */
export type Check = (log: string) => Promise<boolean>;

export interface ServerOptions {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly check: Check;
  readonly readyTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One server of a control plane, which can be ended and started again with the same arguments. */
export class Server {
  readonly #group: ProcessGroup;
  readonly #options: ServerOptions;
  readonly #log: string;

  constructor(group: ProcessGroup, options: ServerOptions) {
    this.#group = group;
    this.#options = options;
    this.#log = join(group.dir, `${options.name}.log`);
  }

  /** Resolves when it is ready. When it ends before, the error holds the end of its log, and nobody else is told. */
  async start(): Promise<void> {
    const { name, file, args, check, readyTimeoutMs, signal } = this.#options;
    const logStart = await stat(this.#log).then(
      (info) => info.size,
      () => 0,
    );
    const { exit } = await this.#group.spawn(name, file, args);
    let ended: Exit | undefined;
    exit.then((value) => {
      ended = value;
    });
    const isReady = async (): Promise<boolean> => {
      if (ended !== undefined) {
        throw new Error(`${name} ended at its start (${ended.signal ?? `exit code ${ended.code}`}):\n${await this.#lastLines()}`);
      }
      return check(await this.#logSince(logStart)).catch(() => false);
    };
    await waitUntil(`${name} to become ready; its log is ${this.#log}`, isReady, {
      timeoutMs: readyTimeoutMs,
      ...(signal ? { signal } : {}),
    });
    this.#group.established(name);
  }

  kill(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    return this.#group.kill(this.#options.name, signal, graceMs);
  }

  async #logSince(start: number): Promise<string> {
    const file = await open(this.#log, "r");
    try {
      const length = Math.max(0, (await file.stat()).size - start);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async #lastLines(): Promise<string> {
    const log = await readFile(this.#log, "utf8").catch(() => "");
    return log.trimEnd().split("\n").slice(-15).join("\n");
  }
}
