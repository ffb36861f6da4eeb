import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { ensureBundle } from "./bundle.ts";

const PROGRAM = join(import.meta.dirname, "../../tools/start-time.ts");
/** Several times what it takes: the tests beside this one use the machine's cores. */
const LIMIT_SECONDS = 5;
const LIMIT_CPU_SECONDS = 2;

beforeAll(ensureBundle);

test("the bundle starts fast, and with less time and memory than the sources", { timeout: 180_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM]);
  process.stdout.write(stdout);
  const figures = Object.fromEntries(
    [...stdout.matchAll(/^(\S+) --help: (\d+\.\d+) s, (\d+\.\d+) s of CPU, (\d+) MiB$/gm)].map(
      ([, program = "", seconds, cpuSeconds, mebibytes]) => [
        program,
        { seconds: Number(seconds), cpuSeconds: Number(cpuSeconds), mebibytes: Number(mebibytes) },
      ],
    ),
  );
  const { "dist/main.js": bundle, "src/main.ts": sources } = figures;
  expect(bundle?.seconds).toBeLessThan(LIMIT_SECONDS);
  expect(bundle?.cpuSeconds).toBeLessThan(LIMIT_CPU_SECONDS);
  expect(bundle?.cpuSeconds).toBeLessThan(sources?.cpuSeconds ?? 0);
  expect(bundle?.mebibytes).toBeLessThan(sources?.mebibytes ?? 0);
});
