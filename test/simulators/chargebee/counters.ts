export const COUNTERS = [
  /** Updates applied through the API; replays are not among them. */
  "writes",
  /** Of these, updates that changed no line. */
  "unchangedWrites",
  /** Charge lines of updates, unbilled or invoiced; credit lines; invoices of updates and renewals. */
  "charges",
  "credits",
  "invoices",
  "suppressedCredits",
  /** Writes that met another one on the same subscription: lock_timeout. */
  "overlaps",
  /** Scheduled changes that an update removed. */
  "destroyedSchedules",
  "reactivations",
  /** One-time items charged because a list repeated them. */
  "chargeItems",
  /** Negotiated prices lost because a request did not repeat them. */
  "priceResets",
  "planLines",
  /** Answers with 400; of these, replaced lists without a line. */
  "badRequests",
  "emptyReplacements",
  /** Parameter names that the API does not know. */
  "unknownParameters",
  "replays",
  "keyConflicts",
  "rateLimited",
  "unauthenticated",
  "foreignWrites",
] as const;

export type CounterName = (typeof COUNTERS)[number];

export class BillingCounters {
  readonly #values = new Map<CounterName, number>();

  add(name: CounterName, by = 1): void {
    this.#values.set(name, this.get(name) + by);
  }

  get(name: CounterName): number {
    return this.#values.get(name) ?? 0;
  }

  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries(COUNTERS.map((name) => [name, this.get(name)]));
  }

  reset(): void {
    this.#values.clear();
  }
}
