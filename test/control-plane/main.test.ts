import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { Program } from "../harness/program.ts";
import { ensureBinaries } from "./binaries.ts";
import { waitUntil } from "./wait-until.ts";

const SCRIPT = "test/control-plane/main.ts";
const START_MS = 60_000;
const TEST_MS = 120_000;
const run = promisify(execFile);

beforeAll(async () => {
  await ensureBinaries({ onProgress: (line) => process.stderr.write(`${line}\n`) });
}, 1_800_000);

/** Processes that were started with something of the directory. */
async function processesOf(dir: string): Promise<string[]> {
  const { stdout } = await run("ps", ["-eo", "pid=,args="], { maxBuffer: 10_000_000 });
  return stdout.split("\n").filter((line) => line.includes(dir));
}

test("a control plane starts, prints what a shell can evaluate, answers, and ends with SIGTERM", {
  timeout: TEST_MS,
}, async () => {
  await using program = new Program(SCRIPT);
  const dir = await program.printed(/logs and the audit log are in (\S+)\./, START_MS);
  const kubectl = await program.printed(/for example: (\S+) get namespaces/, START_MS);
  const kubeconfig = await program.printed(/^export KUBECONFIG=(\S+)\n$/, START_MS);

  const { stdout } = await run(kubectl, ["get", "namespaces", "-o", "name"], { env: { KUBECONFIG: kubeconfig } });
  expect(stdout).toContain("namespace/default\n");
  expect((await processesOf(dir)).length).toBeGreaterThanOrEqual(3);

  program.signal("SIGTERM");
  expect(await program.end()).toBe(0);
  expect(await processesOf(dir)).toEqual([]);
  expect(existsSync(dir)).toBe(false);
});

test("a start that is interrupted ends with 130 and nothing to evaluate", { timeout: TEST_MS }, async () => {
  const parent = await mkdtemp(join(tmpdir(), "control-plane-main-"));
  try {
    await using program = new Program(SCRIPT, [], { TMPDIR: parent });
    const started = async () => (await readdir(parent, { recursive: true })).some((name) => name.endsWith("etcd.log"));
    await waitUntil("etcd to be started", started, { timeoutMs: START_MS });
    program.signal("SIGINT");
    expect(await program.end()).toBe(130);
    expect(program.stdout).toBe("");
    expect(await readdir(parent)).toEqual([]);
    expect(await processesOf(parent)).toEqual([]);
  } finally {
    await rm(parent, { recursive: true });
  }
});

test("--build-only obtains the binaries and starts nothing", { timeout: TEST_MS }, async () => {
  await using program = new Program(SCRIPT, ["--build-only"]);
  expect(await program.end()).toBe(0);
  expect(program.stdout).toBe("");
  expect(program.stderr).toMatch(/^The binaries are in place: \S*kube-apiserver and its neighbours\.$/m);
});
