import type { Clock } from "../../../src/runtime/clock.ts";
import { notFound, paymentFailed } from "./api-error.ts";
import { Catalogue } from "./catalogue.ts";
import { BillingCounters } from "./counters.ts";
import { type Document, type Invoice, Ledger, type UnbilledCharge } from "./ledger.ts";
import type { Catalog, Change, Line, RequestedLine, Subscription } from "./model.ts";
import { type SubscriptionSeed, subscriptionFrom } from "./seeds.ts";
import { settle } from "./term.ts";
import { applyChange, type Update } from "./update.ts";

export interface SiteEvent {
  readonly type: string;
  readonly source: "api" | "admin_console";
  readonly subscription: Subscription;
}

export interface SiteOptions {
  readonly clock: Clock;
  readonly catalog: Catalog;
  readonly onEvent: (event: SiteEvent) => void;
}

/** An update as it was applied and booked. */
export interface Booked {
  readonly subscription: Subscription;
  readonly unbilled: readonly UnbilledCharge[];
  readonly invoice: Invoice | undefined;
  readonly creditNotes: readonly Document[];
}

/** Site settings for what a request leaves out. Both cost the customer money at once, so that leaving them out shows. */
const DEFAULTS = { prorate: true, invoiceImmediately: true };

const STATUS_EVENTS: Readonly<Record<string, string>> = {
  active: "subscription_reactivated",
  cancelled: "subscription_cancelled",
  paused: "subscription_paused",
  non_renewing: "subscription_cancellation_scheduled",
  deleted: "subscription_deleted",
  transferred: "subscription_moved_out",
};

/**
 * Everything one Chargebee site knows. Time is let pass for a subscription whenever somebody looks at it; what time alone
 * does sends no events.
 */
export class Site {
  readonly catalog: Catalog;
  readonly catalogue = new Catalogue();
  readonly ledger = new Ledger();
  readonly counters = new BillingCounters();
  readonly #clock: Clock;
  readonly #onEvent: (event: SiteEvent) => void;
  readonly #subscriptions = new Map<string, Subscription>();
  #lastVersion = 0;

  constructor(options: SiteOptions) {
    this.catalog = options.catalog;
    this.#clock = options.clock;
    this.#onEvent = options.onEvent;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Adds or replaces. */
  addSubscription(seed: SubscriptionSeed): Subscription {
    return this.#put(subscriptionFrom(seed, this.catalogue, this.now()));
  }

  /** Also a deleted one. Throws ApiError 404. */
  subscription(id: string): Subscription {
    const stored = this.#subscriptions.get(id);
    if (stored === undefined) throw notFound("subscription_id", id);
    const { subscription, terms } = settle(stored, this.now(), this.catalogue);
    if (subscription === stored) return stored;
    for (const term of terms) {
      const lines = [...this.ledger.takeUnbilled(id), ...term.lines];
      if (lines.length === 0) continue;
      this.ledger.addInvoice(id, lines, term.at, "renewal");
      this.counters.add("invoices");
    }
    return this.#put(subscription);
  }

  subscriptions(): readonly Subscription[] {
    return [...this.#subscriptions.keys()].map((id) => this.subscription(id));
  }

  /** An update through the API. Throws ApiError without any effect. */
  update(id: string, change: Change): Booked {
    const before = this.subscription(id);
    const update = applyChange(before, change, { ...this.#context(), now: this.now() });
    const booked = this.#book(before, update);
    this.#count(update);
    this.counters.add("writes");
    const type = update.reactivated ? "subscription_reactivated" : "subscription_changed";
    this.#onEvent({
      type: change.option === "immediately" ? type : "subscription_changes_scheduled",
      source: "api",
      subscription: booked.subscription,
    });
    return booked;
  }

  /** What an admin or the portal does beside the operator: quantity 0 removes the line. It is not among the counted charges. */
  foreignWrite(id: string, itemPriceID: string, quantity: number): Subscription {
    const before = this.subscription(id);
    const subscription = quantity > 0 ? this.#writeLine(before, itemPriceID, quantity) : this.#removeLine(before, itemPriceID);
    this.counters.add("foreignWrites");
    this.#onEvent({ type: "subscription_changed", source: "admin_console", subscription });
    return subscription;
  }

  /** A change of one line that waits for the end of the term. */
  scheduleChange(id: string, itemPriceID: string, quantity: number): Subscription {
    const before = this.subscription(id);
    const change: Change = { ...soleLine(this.#requested(itemPriceID, quantity)), option: "end_of_term" };
    const { subscription } = applyChange(before, change, { ...this.#context(), now: this.now() });
    const scheduled = this.#put(subscription);
    this.#onEvent({ type: "subscription_changes_scheduled", source: "admin_console", subscription: scheduled });
    return scheduled;
  }

  setStatus(id: string, status: string): Subscription {
    const before = this.subscription(id);
    const cancelledAt = status === "cancelled" ? this.now() : undefined;
    const subscription = this.#put({ ...before, status, cancelledAt });
    const resumed = before.status === "paused" && status === "active";
    const type = resumed ? "subscription_resumed" : (STATUS_EVENTS[status] ?? "subscription_changed");
    this.#onEvent({ type, source: "admin_console", subscription });
    return subscription;
  }

  setPaymentsFail(id: string, paymentsFail: boolean): Subscription {
    return this.#put({ ...this.subscription(id), paymentsFail });
  }

  /** Overrides the price of a line, as a negotiated one is. */
  setUnitPrice(id: string, itemPriceID: string, unitPrice: number): Subscription {
    const before = this.subscription(id);
    const lines = before.lines.map((line): Line => (line.itemPriceID === itemPriceID ? { ...line, unitPrice } : line));
    return this.#put({ ...before, lines });
  }

  #writeLine(before: Subscription, itemPriceID: string, quantity: number): Subscription {
    const change = soleLine(this.#requested(itemPriceID, quantity));
    return this.#book(before, applyChange(before, change, { ...this.#context(), now: this.now() })).subscription;
  }

  #removeLine(before: Subscription, itemPriceID: string): Subscription {
    return this.#put({ ...before, lines: before.lines.filter((line) => line.itemPriceID !== itemPriceID) });
  }

  #requested(itemPriceID: string, quantity: number): RequestedLine {
    const isFlat = this.catalogue.price(itemPriceID).pricingModel === "flat_fee";
    return {
      itemPriceID,
      quantity: isFlat ? undefined : quantity,
      unitPrice: undefined,
      prorationType: undefined,
      chargedNow: true,
      index: 0,
    };
  }

  #context() {
    return { catalogue: this.catalogue, catalog: this.catalog, defaults: DEFAULTS };
  }

  /** A declined card stops the whole change when it is to be paid at once. */
  #book(before: Subscription, update: Update): Booked {
    const { charges, credits, invoiceNow } = update;
    if (invoiceNow && charges.length > 0 && before.paymentsFail) throw paymentFailed();
    const now = this.now();
    const subscription = this.#put(update.subscription);
    const invoice = invoiceNow && charges.length > 0 ? this.ledger.addInvoice(before.id, charges, now, "change") : undefined;
    const unbilled = invoiceNow ? [] : this.ledger.addUnbilled(before.id, charges, now);
    const creditNotes = credits.length === 0 ? [] : [this.ledger.addCreditNote(before.id, credits, now)];
    return { subscription, unbilled, invoice, creditNotes };
  }

  #count(update: Update): void {
    this.counters.add("charges", update.charges.length);
    this.counters.add("credits", update.credits.length);
    this.counters.add("invoices", update.invoiceNow && update.charges.length > 0 ? 1 : 0);
    this.counters.add("suppressedCredits", update.suppressedCredits);
    this.counters.add("chargeItems", update.chargeItems);
    this.counters.add("priceResets", update.priceResets);
    this.counters.add("planLines", update.planLines);
    this.counters.add("destroyedSchedules", update.destroyedSchedule ? 1 : 0);
    this.counters.add("reactivations", update.reactivated ? 1 : 0);
    this.counters.add("unchangedWrites", update.unchanged ? 1 : 0);
  }

  /** resource_version is the time of the change, but never repeats within the site. */
  #put(subscription: Subscription): Subscription {
    const now = this.now();
    this.#lastVersion = Math.max(Math.floor(now), this.#lastVersion + 1);
    const stored = { ...subscription, updatedAt: now, resourceVersion: this.#lastVersion };
    this.#subscriptions.set(stored.id, stored);
    return stored;
  }
}

function soleLine(line: RequestedLine): Change {
  return {
    lines: [line],
    replaceList: false,
    mandatoryToRemove: [],
    prorate: undefined,
    invoiceImmediately: false,
    reactivate: false,
    option: "immediately",
    scheduledAt: undefined,
  };
}
