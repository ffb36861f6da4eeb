import type { Reason } from "../../api/v1/reasons.ts";
import type { Subscription } from "../../chargebee/catalog.ts";
import { ChargebeeError } from "../../chargebee/errors.ts";
import { echoedLine, echoedUnitPrice, planRemoval, quantityOf, type WrittenLine } from "../../chargebee/quantity.ts";
import type { PendingWrite } from "../../core/billing.ts";
import { idempotencyKey } from "../../core/billing-idempotency.ts";
import type { LineKey } from "../../core/billing-lines.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type AccountRun, errorEpochOf } from "./account-run.ts";
import type { Catalogue } from "./catalogue.ts";

export interface LineWrite {
  readonly line: LineKey;
  /** As read in this reconcile. */
  readonly subscription: Subscription;
  /** 0 is a removal. */
  readonly quantity: number;
  readonly repeat: PendingWrite | undefined;
}

export type WriteOutcome =
  | { readonly kind: "written"; readonly subscription: Subscription }
  /** No request is known to do it safely; none was sent. */
  | { readonly kind: "held"; readonly message: string }
  /** A definite no; nothing was changed. */
  | { readonly kind: "refused"; readonly reason: Reason; readonly message: string; readonly error: ChargebeeError | undefined };

/**
 * Rule 8: one POST on one line. An answer that never came is remembered as the line's pending write before the ChargebeeError
 * is passed on; every definite answer clears it.
 */
export class LineWriter {
  readonly #catalogue: Catalogue;
  readonly #clock: Clock;

  constructor(options: { readonly catalogue: Catalogue; readonly clock: Clock }) {
    this.#catalogue = options.catalogue;
    this.#clock = options.clock;
  }

  async write(run: AccountRun, write: LineWrite): Promise<WriteOutcome> {
    const send = write.quantity === 0 ? await this.#removal(run, write) : await this.#update(run, write);
    if (typeof send === "string") return { kind: "held", message: send };
    const memory = run.memory.line(write.line);
    const key = write.repeat?.idempotencyKey ?? keyOfWrite(run, write);
    const sentAt = write.repeat?.sentAt ?? this.#clock.monotonic();
    try {
      const subscription = await send(key);
      memory.pending = undefined;
      memory.written = write.quantity;
      run.memory.saw(write.line.subscriptionID, subscription, this.#clock.monotonic());
      return verify(write, subscription);
    } catch (error) {
      if (!(error instanceof ChargebeeError)) throw error;
      if (error.ambiguous) memory.pending = { quantity: write.quantity, idempotencyKey: key, sentAt };
      if (!error.terminal) throw error;
      memory.pending = undefined;
      return { kind: "refused", reason: "BillingRejected", message: refusalMessage(error), error };
    }
  }

  async #update(run: AccountRun, write: LineWrite): Promise<(key: string) => Promise<Subscription>> {
    const { line, subscription, quantity } = write;
    const item = subscription.items.find((candidate) => candidate.itemPriceID === line.itemPriceID);
    // Without a price on the line there is none to keep, and nothing to compare.
    const price = item?.unitPrice === undefined ? undefined : await this.#catalogue.price(run.api, line.itemPriceID, run.signal);
    const unitPrice = echoedUnitPrice(item, price);
    // A site counts in decimals everywhere or nowhere.
    const inDecimal = subscription.items.some((candidate) => candidate.inDecimal);
    return (idempotencyKey) =>
      run.api.updateItemQuantity({ ...line, quantity, inDecimal, unitPrice, ...run.settings.policy, idempotencyKey }, run.signal);
  }

  async #removal(run: AccountRun, { line, subscription }: LineWrite): Promise<string | ((key: string) => Promise<Subscription>)> {
    const removal = planRemoval(subscription, line.itemPriceID, run.api.catalog);
    if (removal.kind === "held")
      return `${line.itemPriceID} cannot be taken off subscription ${line.subscriptionID}: ${removal.message}.`;
    const lines: WrittenLine[] = [];
    for (const item of removal.keep)
      lines.push(echoedLine(item, await this.#catalogue.price(run.api, item.itemPriceID, run.signal)));
    const { subscriptionID } = line;
    return (idempotencyKey) => run.api.removeItem({ subscriptionID, lines, ...run.settings.policy, idempotencyKey }, run.signal);
  }
}

function keyOfWrite(run: AccountRun, { line, quantity, subscription }: LineWrite): string {
  const { site, policy } = run.settings;
  const { resourceVersion } = subscription;
  return idempotencyKey({ site, ...line, quantity, resourceVersion, ...policy, errorEpoch: errorEpochOf(run.account) });
}

/** The answer itself must show the quantity: a mandatory add-on comes back, a replayed answer may be about something else. */
function verify({ line, quantity }: LineWrite, subscription: Subscription): WriteOutcome {
  const answered = quantityOf(subscription, line.itemPriceID);
  if (answered === quantity) return { kind: "written", subscription };
  const message = `Chargebee accepted quantity ${quantity} of ${line.itemPriceID}, but answered with ${answered}.`;
  return { kind: "refused", reason: "BillingRejected", message, error: undefined };
}

function refusalMessage(error: ChargebeeError): string {
  const advice = error.class === "payment" ? " The customer's payment method has to be looked at." : "";
  return `${error.message}; nothing was changed.${advice} It is tried again in an hour, or when the account or the API key changes.`;
}
