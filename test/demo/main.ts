/**
 * `node test/demo/main.ts`: from `kubectl apply` to verified, billed and cleaned up, on a real control plane with the shipped
 * operator and simulated providers. DEMO_BREAK=dns|billing plants a fault, KEEP=1 leaves everything running, DEMO_STEP_SECONDS
 * bounds each step of the story. Exit codes: 0 told to the end, 1 a step failed, 2 a wrong option, 130 interrupted.
 */
import { systemClock } from "../../src/runtime/clock.ts";
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
  const narrator = new Narrator((text) => process.stdout.write(text), { colours });
  const demonstration = new Demonstration({ options, narrator, clock: systemClock, interrupt: interruptions() });
  process.exitCode = await demonstration.run();
  // What was under way when a step was given up, such as a start, must not keep the process.
  setTimeout(() => process.exit(), LEFTOVERS_MS).unref();
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
