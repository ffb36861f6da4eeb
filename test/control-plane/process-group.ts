import { type ChildProcess, fork } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { KEEP_DIRECTORY, type SupervisorMessage, type SupervisorRequest } from "./supervisor.ts";

export interface Exit {
  readonly name: string;
  readonly code: number | null;
  readonly signal: string | null;
}

type RequestBody = SupervisorRequest extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never;

interface Reply {
  readonly resolve: (pid: number | undefined) => void;
  readonly reject: (error: Error) => void;
}

interface Running {
  readonly pid: number;
  readonly exit: Promise<Exit>;
}

/**
 * The servers of one control plane and their directory, held by a supervisor process. The channel to it does not keep this process alive,
 * except while an answer is awaited, so that a caller who forgets to stop still ends, and takes everything with it.
 */
export class ProcessGroup {
  readonly dir: string;
  /** Called when a process ends that nobody asked to end, once it was said to be `established`. */
  onUnexpectedExit: (exit: Exit) => void = () => {};
  readonly #supervisor: ChildProcess;
  readonly #running = new Map<string, Running & { readonly finish: (exit: Exit) => void }>();
  readonly #replies = new Map<number, Reply>();
  /** Names of processes whose end is nobody's news. */
  readonly #expected = new Set<string>();
  readonly #ended: Promise<void>;
  #nextId = 1;
  #awaitedExits = 0;
  #shutdown: Promise<void> | undefined;

  static start(options: { readonly keep: boolean }): Promise<ProcessGroup> {
    const supervisor = fork(join(import.meta.dirname, "supervisor.ts"), options.keep ? [KEEP_DIRECTORY] : [], {
      detached: true,
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: "" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    return new Promise((resolve, reject) => {
      supervisor.once("error", reject);
      supervisor.once("exit", (code, signal) => reject(new Error(`the supervisor ended at its start (${signal ?? code})`)));
      supervisor.once("message", (message: SupervisorMessage) => {
        supervisor.removeAllListeners();
        if (message.type === "ready") {
          resolve(new ProcessGroup(supervisor, message.dir, options.keep));
        }
      });
    });
  }

  private constructor(supervisor: ChildProcess, dir: string, keep: boolean) {
    this.dir = dir;
    this.#supervisor = supervisor;
    supervisor.on("message", (message: SupervisorMessage) => this.#receive(message));
    supervisor.on("error", () => {});
    this.#ended = new Promise((resolve) => supervisor.once("exit", () => resolve(this.#takeOver(keep))));
    this.#holdProcess();
  }

  get pids(): Record<string, number> {
    return Object.fromEntries([...this.#running].map(([name, { pid }]) => [name, pid]));
  }

  /** Output is appended to `<dir>/<name>.log`. */
  async spawn(name: string, file: string, args: readonly string[]): Promise<Running> {
    const pid = await this.#ask({ op: "spawn", name, file, args });
    if (pid === undefined) {
      throw new Error(`the supervisor told no id of ${name}`);
    }
    const { promise, resolve } = Promise.withResolvers<Exit>();
    const running = { pid, exit: promise, finish: resolve };
    this.#running.set(name, running);
    this.#expected.add(name);
    return running;
  }

  /** From now on it is reported if it ends by itself. Until then that is for whoever started it to notice. */
  established(name: string): void {
    this.#expected.delete(name);
  }

  /** Sends a signal without waiting for what comes of it. */
  async signal(name: string, signal: NodeJS.Signals): Promise<void> {
    await this.#ask({ op: "signal", name, signal });
  }

  /** Ends one process and waits until it is gone; SIGKILL follows after `graceMs`. */
  async kill(name: string, signal: NodeJS.Signals, graceMs: number): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) {
      return;
    }
    this.#expected.add(name);
    await this.signal(name, signal);
    const impatient = setTimeout(() => this.signal(name, "SIGKILL").catch(() => {}), graceMs);
    this.#awaitedExits++;
    this.#holdProcess();
    await running.exit;
    clearTimeout(impatient);
    this.#awaitedExits--;
    this.#holdProcess();
  }

  /** Kills everything and deletes the directory. Resolves when the supervisor itself has gone too. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#shutdownOnce();
    return this.#shutdown;
  }

  async #shutdownOnce(): Promise<void> {
    for (const name of this.#running.keys()) {
      this.#expected.add(name);
    }
    await this.#ask({ op: "shutdown" }).catch(() => {});
    this.#supervisor.ref();
    await this.#ended;
  }

  #ask(body: RequestBody): Promise<number | undefined> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    this.#replies.set(id, { resolve, reject });
    this.#holdProcess();
    this.#supervisor.send({ ...body, id }, (error) => {
      if (error !== null) {
        this.#settle(id)?.reject(error);
      }
    });
    return promise;
  }

  #receive(message: SupervisorMessage): void {
    if (message.type === "exit") {
      const running = this.#running.get(message.name);
      this.#running.delete(message.name);
      running?.finish(message);
      if (!this.#expected.has(message.name)) {
        this.onUnexpectedExit(message);
      }
    } else if (message.type === "reply") {
      const reply = this.#settle(message.id);
      if (message.error === undefined) {
        reply?.resolve(message.pid);
      } else {
        reply?.reject(new Error(message.error));
      }
    }
  }

  #settle(id: number): Reply | undefined {
    const reply = this.#replies.get(id);
    this.#replies.delete(id);
    this.#holdProcess();
    return reply;
  }

  #holdProcess(): void {
    if (this.#replies.size + this.#awaitedExits > 0) {
      this.#supervisor.ref();
      this.#supervisor.channel?.ref();
    } else {
      this.#supervisor.unref();
      this.#supervisor.channel?.unref();
    }
  }

  /** The supervisor has gone. If that was not asked for, what it held is ended from here, by the ids it told. */
  async #takeOver(keep: boolean): Promise<void> {
    for (const { reject } of this.#replies.values()) {
      reject(new Error("the supervisor of the control plane has ended"));
    }
    this.#replies.clear();
    const asked = this.#shutdown !== undefined && this.#supervisor.exitCode === 0;
    const orphans = [...this.#running];
    for (const [name, { pid, finish }] of orphans) {
      this.#running.delete(name);
      try {
        if (!asked) {
          process.kill(pid, "SIGKILL");
        }
      } catch {
        // It ended with the supervisor.
      }
      finish({ name, code: null, signal: "SIGKILL" });
    }
    if (!asked && !keep) {
      await rm(this.dir, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}
