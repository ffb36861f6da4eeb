import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { endAll } from "./ending.ts";
import { Narrator } from "./narrator.ts";
import { Processes } from "./processes.ts";

let child: ChildProcess | undefined;

afterEach(async () => {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
});

/** A process that runs until it is killed, and what ends it. */
async function start(processes: Processes): Promise<() => Promise<void>> {
  const started = spawn(process.execPath, ["-e", "setInterval(() => {}, 1_000)"], { stdio: "ignore" });
  child = started;
  await once(started, "spawn");
  processes.watch(() => ({ operator: started.pid ?? 0 }));
  return async () => {
    const exited = once(started, "exit");
    started.kill("SIGKILL");
    await exited;
  };
}

async function end(stack: AsyncDisposableStack, processes: Processes) {
  let told = "";
  const write = (text: string): void => {
    told += text;
  };
  const narrator = new Narrator(write, { colours: false });
  return { clean: await endAll(stack, processes, narrator), told };
}

describe("the end of the demo", () => {
  test("names what ran and is gone", async () => {
    const processes = new Processes();
    await using stack = new AsyncDisposableStack();
    stack.defer(await start(processes));
    expect(processes.running().map(({ name }) => name)).toEqual(["operator"]);
    expect(await end(stack, processes)).toEqual({
      clean: true,
      told: "Everything that was started is stopped: operator.\n",
    });
  });

  test("says when nothing had been started", async () => {
    await using stack = new AsyncDisposableStack();
    expect(await end(stack, new Processes())).toEqual({ clean: true, told: "No process was started.\n" });
  });

  test("does not take a stop's word for it", async () => {
    const processes = new Processes();
    await start(processes);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => {});
    const pid = processes.running()[0]?.pid;
    expect(await end(stack, processes)).toEqual({ clean: false, told: `✗ operator still runs, process ${pid}.\n` });
  });

  test("tells of every stop that failed, and ends the others", async () => {
    const processes = new Processes();
    await using stack = new AsyncDisposableStack();
    const fail = (why: string) => () => {
      throw new Error(why);
    };
    stack.defer(fail("the disk is full"));
    stack.defer(await start(processes));
    stack.defer(fail("no answer"));
    expect(await end(stack, processes)).toEqual({
      clean: false,
      told: "✗ Not everything could be ended: no answer; the disk is full.\n",
    });
    expect(processes.running()).toEqual([]);
  });
});
