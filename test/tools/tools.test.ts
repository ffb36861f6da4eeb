import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureTool } from "./tools.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tools-"));
  await mkdir(join(dir, "bin"));
});

afterEach(() => rm(dir, { recursive: true }));

/** A Go toolchain that notes each build and writes a program to the path after -o. */
async function goCommand(script: string): Promise<NodeJS.ProcessEnv> {
  const go = join(dir, "bin/go");
  await writeFile(go, `#!/bin/sh\necho build >> ${join(dir, "builds")}\nwhile [ "$1" != -o ]; do shift; done\n${script}\n`);
  await chmod(go, 0o755);
  return { PATH: `${join(dir, "bin")}:/usr/bin:/bin`, XDG_CACHE_HOME: join(dir, "cache") };
}

async function builds(): Promise<number> {
  return (await readFile(join(dir, "builds"), "utf8")).trim().split("\n").length;
}

test("a tool is built once, however many ask for it, and found again", async () => {
  const env = await goCommand('sleep 0.2; echo program > "$2"; chmod +x "$2"');
  const paths = await Promise.all([1, 2, 3].map(() => ensureTool("helm", { env })));
  paths.push(await ensureTool("helm", { env }));
  expect(new Set(paths).size).toBe(1);
  expect(paths[0]).toMatch(/\/cache\/custom-domain-operator\/tools-helm-v3\.\d+\.\d+-\w+-\w+\/helm$/);
  expect(await readFile(paths[0] ?? "", "utf8")).toBe("program\n");
  expect(await builds()).toBe(1);
});

test("a failed build says why and leaves nothing that the next one would take for a tool", async () => {
  const failing = await goCommand('echo half > "$2"; chmod +x "$2"; echo "package helm: no such module" >&2; exit 1');
  await expect(ensureTool("helm", { env: failing })).rejects.toThrow("no such module");
  const working = await goCommand('echo whole > "$2"; chmod +x "$2"');
  expect(await readFile(await ensureTool("helm", { env: working }), "utf8")).toBe("whole\n");
  expect(await builds()).toBe(2);
});

test("without a Go toolchain the error names what is missing", async () => {
  const env = { PATH: join(dir, "bin"), XDG_CACHE_HOME: join(dir, "cache") };
  await expect(ensureTool("helm", { env })).rejects.toThrow("no go command");
});
