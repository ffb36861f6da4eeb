/** What one quantity is about; a site has many subscriptions, a subscription many prices. */
export interface LineKey {
  readonly subscriptionID: string;
  readonly itemPriceID: string;
}

export function sameLine(a: LineKey, b: LineKey): boolean {
  return a.subscriptionID === b.subscriptionID && a.itemPriceID === b.itemPriceID;
}

/** An account as far as it lays claim to lines. */
export interface LineClaimant {
  readonly name: string;
  /** undefined when its class is unknown: then any site may be meant. */
  readonly site: string | undefined;
  /** The line of its spec; undefined when the class that names the price is unknown. */
  readonly line: LineKey | undefined;
  /** Its status.lines, which outlive a change of spec. */
  readonly journal: readonly LineKey[];
}

/**
 * Rule 3: the other accounts that lay claim to `self`'s own line, by spec or journal, deleting ones too. Lines that `self` only
 * has left to release do not matter here: releasing them is what ends the conflict.
 */
export function contenders(self: LineClaimant, others: Iterable<LineClaimant>): string[] {
  const { line } = self;
  if (line === undefined) return [];
  const names: string[] = [];
  for (const other of others) {
    if (other.name === self.name) continue;
    if (self.site !== undefined && other.site !== undefined && self.site !== other.site) continue;
    const lines = other.line === undefined ? other.journal : [other.line, ...other.journal];
    if (lines.some((candidate) => sameLine(candidate, line))) names.push(other.name);
  }
  return names.sort();
}
