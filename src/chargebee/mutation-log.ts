/** One attempt to change a subscription, written after it ended. Holds ids and quantities, nothing about the customer. */
export interface QuantityMutation {
  readonly action: "set" | "remove";
  readonly subscriptionID: string;
  /** The lines that were sent: one to set, those that stay to remove another. */
  readonly lines: readonly { readonly itemPriceID: string; readonly quantity: number | undefined }[];
  readonly prorate: boolean;
  readonly invoiceImmediately: boolean;
  readonly idempotencyKey: string;
  /** `unknown`: no clear answer came, so it may have been carried out. */
  readonly outcome: "done" | "refused" | "unknown";
  /** Chargebee's error code, or the class of the failure. */
  readonly error: string | undefined;
  readonly durationMs: number;
}

export interface QuantityLog {
  record(entry: QuantityMutation): void;
}
