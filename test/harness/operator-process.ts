import { parseConfig } from "../../src/config.ts";
import { KubeConfigSource } from "../../src/kube/credentials.ts";
import { runOperator } from "../../src/operator.ts";
import { createLogger } from "../../src/runtime/logger.ts";
import { SkewedClock } from "../simulators/clock.ts";
import { WallClock } from "./wall-clock.ts";

/** What the parent says; every message is answered with its `id` once it has taken effect. */
export interface ClockMessage {
  readonly id: number;
  /** Time passes: the injected clock and its timers. */
  readonly advanceMs?: number;
  /** Somebody sets the machine's clock: `Date`, and what is derived from it. No timer notices. */
  readonly jumpMs?: number;
}

/**
 * The operator's own composition root with a clock that the parent process moves. Leases, tokens and socket deadlines use real
 * time, as in the shipped program.
 */
const wall = WallClock.install();
const clock = new SkewedClock();
const stop = new AbortController();
process.on("message", ({ id, advanceMs, jumpMs }: ClockMessage) => {
  if (jumpMs !== undefined) wall.jump(jumpMs);
  if (advanceMs !== undefined) clock.advance(advanceMs);
  process.send?.({ id });
});
process.once("disconnect", () => process.exit(1));
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort(new Error(`received ${name}`)));

const parsed = parseConfig(process.argv.slice(2), process.env);
if (parsed.kind !== "config") throw new Error(parsed.kind === "invalid" ? parsed.message : "help is not for tests");
const logger = createLogger({ level: parsed.config.logLevel });
try {
  await runOperator(parsed.config, { clock, logger, credentials: new KubeConfigSource(), version: "test" }, stop.signal);
  process.exit(0);
} catch (error) {
  logger.fatal({ err: error }, "the operator ended");
  process.exit(1);
}
