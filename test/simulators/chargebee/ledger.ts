/** One amount of a change or renewal. Times in Unix milliseconds. */
export interface LedgerLine {
  readonly entityID: string;
  readonly entityType: string;
  readonly description: string;
  readonly quantity: number | undefined;
  /** Never negative. */
  readonly amount: number;
  readonly from: number;
  readonly to: number;
}

export interface UnbilledCharge extends LedgerLine {
  readonly id: string;
  readonly subscriptionID: string;
  readonly createdAt: number;
}

export interface Document {
  readonly id: string;
  readonly subscriptionID: string;
  readonly createdAt: number;
  readonly total: number;
  readonly lines: readonly LedgerLine[];
}

/** `change` = an invoice made at once by an update; `renewal` = one made by the end of a term. */
export interface Invoice extends Document {
  readonly cause: "change" | "renewal";
}

/** The money side of a site: what tests count. */
export class Ledger {
  readonly #unbilled: UnbilledCharge[] = [];
  readonly #invoices: Invoice[] = [];
  readonly #creditNotes: Document[] = [];
  #nextID = 1;

  addUnbilled(subscriptionID: string, lines: readonly LedgerLine[], now: number): readonly UnbilledCharge[] {
    const charges = lines.map((line) => ({ ...line, id: this.#id("li"), subscriptionID, createdAt: now }));
    this.#unbilled.push(...charges);
    return charges;
  }

  addInvoice(subscriptionID: string, lines: readonly LedgerLine[], now: number, cause: Invoice["cause"]): Invoice {
    const invoice = { id: this.#id("inv"), subscriptionID, createdAt: now, total: total(lines), lines, cause };
    this.#invoices.push(invoice);
    return invoice;
  }

  addCreditNote(subscriptionID: string, lines: readonly LedgerLine[], now: number): Document {
    const note = { id: this.#id("cn"), subscriptionID, createdAt: now, total: total(lines), lines };
    this.#creditNotes.push(note);
    return note;
  }

  /** Removes and returns the charges that wait for the subscription's next invoice. */
  takeUnbilled(subscriptionID: string): readonly UnbilledCharge[] {
    const taken = this.#unbilled.filter((charge) => charge.subscriptionID === subscriptionID);
    const kept = this.#unbilled.filter((charge) => charge.subscriptionID !== subscriptionID);
    this.#unbilled.splice(0, this.#unbilled.length, ...kept);
    return taken;
  }

  records(): {
    readonly unbilledCharges: readonly UnbilledCharge[];
    readonly invoices: readonly Invoice[];
    readonly creditNotes: readonly Document[];
  } {
    return { unbilledCharges: [...this.#unbilled], invoices: [...this.#invoices], creditNotes: [...this.#creditNotes] };
  }

  #id(prefix: string): string {
    return `${prefix}_${this.#nextID++}`;
  }
}

function total(lines: readonly LedgerLine[]): number {
  return lines.reduce((sum, line) => sum + line.amount, 0);
}
