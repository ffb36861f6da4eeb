import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterEach, assert, beforeAll, describe, expect, test } from "vitest";
import { ensureBinaries } from "./binaries.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { isAlive } from "./lock-file.ts";
import { waitUntil } from "./wait-until.ts";

/** A first build takes minutes; after that this is never reached. */
const BINARIES_MS = 30 * 60_000;
const TEST_MS = 90_000;

const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  await ensureBinaries({ onProgress: (line) => process.stderr.write(`${line}\n`) });
}, BINARIES_MS);

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

describe("the end of a control plane", () => {
  test("stop leaves no process and no directory, and may be repeated", { timeout: TEST_MS }, async () => {
    const controlPlane = await start();
    const pids = Object.values(controlPlane.pids);
    expect(pids).toHaveLength(3);
    expect(pids.every(isAlive)).toBe(true);

    await controlPlane.stop();
    await controlPlane.stop();

    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(controlPlane.dir)).toBe(false);
  });

  test.each(["SIGKILL", "SIGINT", "SIGTERM"] as const)(
    "%s of whoever started it ends it",
    { timeout: TEST_MS },
    async (signal) => {
      const { child, dir, pids } = await startInOtherProcess();
      child.kill(signal);
      await gone(dir, pids);
    },
  );

  test("a supervisor that was killed leaves nothing either", { timeout: TEST_MS }, async () => {
    const controlPlane = await start();
    const pids = Object.values(controlPlane.pids);
    const { stdout } = await promisify(execFile)("ps", ["-o", "ppid=", "-p", String(pids[0])]);
    const supervisor = Number(stdout);
    assert(supervisor > 1 && supervisor !== process.pid);
    process.kill(supervisor, "SIGKILL");
    await gone(controlPlane.dir, pids);
    await controlPlane.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("a server that cannot start is an error with the end of its log, and nothing is left", { timeout: TEST_MS }, async () => {
    const parent = await directoriesUnder();
    const ended: string[] = [];
    const onUnexpectedExit = ({ name }: { name: string }) => ended.push(name);
    const starting = startControlPlane({ apiServerArgs: ["--no-such-flag"], onUnexpectedExit });
    await expect(starting).rejects.toThrow(/kube-apiserver ended at its start(.|\n)*unknown flag: --no-such-flag/);
    expect(await readdir(parent)).toEqual([]);
    expect(ended).toEqual([]);
  });

  test("a start that is given up leaves nothing", { timeout: TEST_MS }, async () => {
    const parent = await directoriesUnder();
    const controller = new AbortController();
    const starting = startControlPlane({ signal: controller.signal });
    const outcome = expect(starting).rejects.toThrow("given up");
    await waitUntil("etcd to be there", async () => (await startedUnder(parent)) || undefined, { timeoutMs: 10_000 });
    controller.abort(new Error("given up"));
    await outcome;
    expect(await readdir(parent)).toEqual([]);
  });

  test("a server that ends by itself is reported", { timeout: TEST_MS }, async () => {
    const ended: string[] = [];
    const controlPlane = await start((exit) => ended.push(`${exit.name} ${exit.signal}`));
    const pid = controlPlane.pids["kube-controller-manager"];
    assert(pid !== undefined);
    process.kill(pid, "SIGKILL");
    await waitUntil("the report", () => ended.length > 0, { timeoutMs: 5_000 });
    expect(ended).toEqual(["kube-controller-manager SIGKILL"]);
    await controlPlane.stop();
    expect(ended).toHaveLength(1);
  });
});

async function start(
  onUnexpectedExit: (exit: { name: string; signal: string | null }) => void = () => {},
): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ onUnexpectedExit });
  cleanups.push(() => controlPlane.stop());
  return controlPlane;
}

async function startInOtherProcess(): Promise<{ child: ChildProcess; dir: string; pids: number[] }> {
  const script = join(import.meta.dirname, "fixtures", "start-and-hang.ts");
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) {
    const { dir, pids } = JSON.parse(line) as { dir: string; pids: Record<string, number> };
    expect(Object.keys(pids)).toHaveLength(3);
    return { child, dir, pids: Object.values(pids) };
  }
  throw new Error("the other process ended without starting a control plane");
}

/** A fresh directory in which control planes are made for the rest of the test. */
async function directoriesUnder(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), "lifecycle-test-"));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = parent;
  cleanups.push(async () => {
    if (before === undefined) {
      delete process.env.TMPDIR;
    } else {
      process.env.TMPDIR = before;
    }
    await rm(parent, { recursive: true });
  });
  return parent;
}

async function startedUnder(parent: string): Promise<boolean> {
  const names = await readdir(parent, { recursive: true });
  return names.some((name) => name.endsWith("etcd.log"));
}

async function gone(dir: string, pids: readonly number[]): Promise<void> {
  await waitUntil("the servers to end", () => !pids.some(isAlive), { timeoutMs: 10_000 });
  await waitUntil("the directory to be deleted", () => !existsSync(dir), { timeoutMs: 10_000 });
}
