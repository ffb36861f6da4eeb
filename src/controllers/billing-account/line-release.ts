import type { BillingLine } from "../../api/v1/billing-account.ts";
import { ChargebeeError } from "../../chargebee/errors.ts";
import { livePending } from "../../core/billing.ts";
import { decideRelease } from "../../core/billing-release.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type AccountRun, errorEpochOf, journalOf, withoutEntry } from "./account-run.ts";
import { journalStatus } from "./account-status.ts";
import { failureOf } from "./failure.ts";
import type { LineWriter } from "./line-writer.ts";
import type { AccountWriter } from "./ports.ts";
import type { SubscriptionReader } from "./subscription-reader.ts";

export interface HeldLine {
  readonly line: BillingLine;
  readonly message: string;
}

export interface ReleaseResult {
  readonly held: readonly HeldLine[];
  /** When the first of them is tried again. */
  readonly afterMs: number | undefined;
}

const HELD_RETRY_MS = 5 * 60_000;
const REFUSAL_MS = 3_600_000;
/** read, repeat of a pending write, write, released. */
const MAX_STEPS = 4;

/** Rules 9 and 10: gives up lines of the journal. One that cannot be released now does not hold up the others. */
export class LineRelease {
  readonly #writer: AccountWriter;
  readonly #reader: SubscriptionReader;
  readonly #lines: LineWriter;
  readonly #clock: Clock;

  constructor(options: {
    readonly writer: AccountWriter;
    readonly reader: SubscriptionReader;
    readonly lines: LineWriter;
    readonly clock: Clock;
  }) {
    this.#writer = options.writer;
    this.#reader = options.reader;
    this.#lines = options.lines;
    this.#clock = options.clock;
  }

  async release(run: AccountRun, lines: readonly BillingLine[]): Promise<ReleaseResult> {
    const held: HeldLine[] = [];
    let nextAt: number | undefined;
    for (const line of lines) {
      const message = await this.#attempt(run, line);
      if (message === undefined) continue;
      held.push({ line, message });
      const { retryAt } = run.memory.subscription(line.subscriptionID);
      nextAt = Math.min(nextAt ?? Number.POSITIVE_INFINITY, Math.max(run.memory.line(line).releaseAt, retryAt));
    }
    return { held, afterMs: nextAt === undefined ? undefined : Math.max(1_000, nextAt - this.#clock.monotonic()) };
  }

  /** undefined when the line is released and off the journal, else why not. */
  async #attempt(run: AccountRun, line: BillingLine): Promise<string | undefined> {
    const memory = run.memory.line(line);
    const subscription = run.memory.subscription(line.subscriptionID);
    const now = this.#clock.monotonic();
    if (now < Math.max(memory.releaseAt, subscription.retryAt)) return memory.releaseMessage;
    let message: string | undefined;
    try {
      message = await this.#step(run, line);
      subscription.failures = 0;
      if (message !== undefined) memory.releaseAt = this.#clock.monotonic() + HELD_RETRY_MS;
    } catch (error) {
      if (!(error instanceof ChargebeeError)) throw error;
      subscription.failures += 1;
      const failure = failureOf(error, run.memory.uid, subscription.failures);
      memory.releaseAt = this.#clock.monotonic() + failure.afterMs;
      message = failure.message;
    }
    if (message === undefined) run.memory.forget(line);
    else memory.releaseMessage = message;
    return message;
  }

  async #step(run: AccountRun, line: BillingLine): Promise<string | undefined> {
    const { mode } = run.settings;
    const memory = run.memory.line(line);
    let subscription = await this.#reader.read(run, line.subscriptionID);
    for (let pass = 0; pass < MAX_STEPS; pass += 1) {
      const now = this.#clock.monotonic();
      const refusal = memory.refusal !== undefined && memory.refusal.until > now ? memory.refusal : undefined;
      const step = decideRelease({ line, mode, subscription, pending: livePending(memory.pending, now), refusal });
      if (step.kind === "held") return step.message;
      if (step.kind === "released" || subscription === undefined) {
        const lines = withoutEntry(journalOf(run.account), line);
        run.account = await this.#writer.putStatus(
          run.account,
          journalStatus(run.account, { lines }, this.#clock.now()),
          run.signal,
        );
        return undefined;
      }
      const outcome = await this.#lines.write(run, { line, subscription, quantity: step.quantity, repeat: step.repeat });
      if (outcome.kind === "held") return outcome.message;
      if (outcome.kind === "refused") {
        memory.refusal = { reason: outcome.reason, message: outcome.message, until: this.#clock.monotonic() + REFUSAL_MS };
        const errorEpoch = errorEpochOf(run.account) + 1;
        run.account = await this.#writer.putStatus(
          run.account,
          journalStatus(run.account, { errorEpoch }, this.#clock.now()),
          run.signal,
        );
        return outcome.message;
      }
      subscription = outcome.subscription;
    }
    throw new Error("billing: no decision ended the release");
  }
}
