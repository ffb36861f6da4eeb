/**
 * `node test/demo/main.ts`: from `kubectl apply` to verified, billed and cleaned up, on a real control plane with the shipped
 * operator and simulated providers. DEMO_BREAK=dns|billing plants a fault, KEEP=1 leaves everything running, DEMO_STEP_SECONDS
 * bounds each step of the story, DEMO_EVIDENCE=<name> leaves evidence for the verdict over the test suite. What a demo told that
 * came to its end is kept for `make readme`. Exit codes: 0 told to the end, 1 a step failed or something is left, 2 a wrong option, 130
 * interrupted.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { systemClock } from "../../src/runtime/clock.ts";
import { REPORT } from "../../tools/reports.ts";
import { Demonstration, INTERRUPTED } from "./demonstration.ts";
import { Narrator } from "./narrator.ts";
import { demoOptions } from "./options.ts";

const USAGE_ERROR = 2;
const LEFTOVERS_MS = 2_000;

const options = demoOptions(process.env);
if (typeof options === "string") {
  process.stderr.write(`${options}\n`);
  process.exitCode = USAGE_ERROR;
} else {
  const colours = process.stdout.isTTY && !process.env.NO_COLOR;
  let told = "";
  const write = (text: string): void => {
    process.stdout.write(text);
    told += text;
  };
  const narrator = new Narrator(write, { colours });
  const demonstration = new Demonstration({ options, narrator, clock: systemClock, interrupt: interruptions() });
  process.exitCode = await demonstration.run();
  if (process.exitCode === 0 && !options.keep) await keepReport(stripVTControlCharacters(told));
  // What was under way when a step was given up, such as a start, must not keep the process.
  setTimeout(() => process.exit(), LEFTOVERS_MS).unref();
}

async function keepReport(told: string): Promise<void> {
  await mkdir(dirname(REPORT.demo), { recursive: true });
  await writeFile(REPORT.demo, told);
}

/** Aborted by the first signal; a second one ends the process at once, and with it what it started. */
function interruptions(): AbortSignal {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (interrupt.signal.aborted) process.exit(INTERRUPTED);
      interrupt.abort(new Error(`interrupted by ${name}`));
    });
  }
  return interrupt.signal;
}
