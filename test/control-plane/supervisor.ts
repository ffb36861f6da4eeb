/**
 * A process of its own that starts the servers of one control plane and outlives whoever asked for them by just long enough to kill them
 * and delete their directory. Its parent holds the other end of the IPC channel: however the parent ends, SIGKILL included, the kernel
 * closes that end. It starts the servers itself so that no moment exists in which one runs and only a dead parent knows its id.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type SupervisorRequest =
  | { readonly id: number; readonly op: "spawn"; readonly name: string; readonly file: string; readonly args: readonly string[] }
  | { readonly id: number; readonly op: "signal"; readonly name: string; readonly signal: NodeJS.Signals }
  | { readonly id: number; readonly op: "shutdown" };

export type SupervisorMessage =
  | { readonly type: "ready"; readonly dir: string }
  | { readonly type: "reply"; readonly id: number; readonly pid?: number; readonly error?: string }
  | {
      readonly type: "exit";
      readonly name: string;
      readonly code: number | null;
      readonly signal: string | null;
    };

export const KEEP_DIRECTORY = "--keep-directory";

function supervise(): void {
  const dir = mkdtempSync(join(tmpdir(), "custom-domain-control-plane-"));
  const children = new Map<string, ChildProcess>();
  let closing = false;

  const tell = (message: SupervisorMessage, sent: () => void = () => {}): void => {
    if (process.connected) {
      process.send?.(message, sent);
    }
  };

  const start = (name: string, file: string, args: readonly string[]): Promise<number> => {
    const log = openSync(join(dir, `${name}.log`), "a");
    const child = spawn(file, args, { cwd: dir, stdio: ["ignore", log, log] });
    closeSync(log);
    children.set(name, child);
    child.once("exit", (code, signal) => {
      children.delete(name);
      tell({ type: "exit", name, code, signal });
    });
    return new Promise((resolve, reject) => {
      child.once("spawn", () => (child.pid === undefined ? reject(new Error(`${name} has no process id`)) : resolve(child.pid)));
      child.once("error", (error) => {
        children.delete(name);
        reject(error);
      });
    });
  };

  /** Nothing here is worth a graceful end: the data goes with the directory. */
  const close = async (): Promise<void> => {
    closing = true;
    const ends = [...children.values()].map((child) => new Promise((resolve) => child.once("exit", resolve)));
    for (const child of children.values()) {
      child.kill("SIGKILL");
    }
    await Promise.all(ends);
    if (!process.argv.includes(KEEP_DIRECTORY)) {
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    }
  };

  const handle = async (request: SupervisorRequest): Promise<number | undefined> => {
    switch (request.op) {
      case "spawn":
        if (closing || children.has(request.name)) {
          throw new Error(`${request.name} cannot be started: ${closing ? "shutting down" : "it is running"}`);
        }
        return start(request.name, request.file, request.args);
      case "signal":
        children.get(request.name)?.kill(request.signal);
        return undefined;
      case "shutdown":
        await close();
        return undefined;
    }
  };

  const closeAndLeave = (): void => {
    if (!closing) {
      close().finally(() => process.exit());
    }
  };

  process.on("message", (request: SupervisorRequest) => {
    handle(request).then(
      (pid) => {
        const leave = () => process.disconnect();
        tell(
          { type: "reply", id: request.id, ...(pid === undefined ? {} : { pid }) },
          request.op === "shutdown" ? leave : undefined,
        );
      },
      (error: Error) => tell({ type: "reply", id: request.id, error: error.message }),
    );
  });
  process.on("disconnect", closeAndLeave);
  process.on("SIGTERM", closeAndLeave);
  process.on("SIGINT", closeAndLeave);
  process.on("exit", () => {
    for (const child of children.values()) {
      child.kill("SIGKILL");
    }
  });
  tell({ type: "ready", dir });
}

if (import.meta.main) {
  supervise();
}
