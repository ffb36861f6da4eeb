import type { BillingAccount, BillingLine } from "../../api/v1/billing-account.ts";
import { ANNOTATION_ABANDON_BILLING, FINALIZER } from "../../api/v1/group.ts";
import type { EventRecorder } from "../../kube/events.ts";
import { type AccountRun, journalOf } from "./account-run.ts";
import type { LineRelease, ReleaseResult } from "./line-release.ts";
import type { AccountWriter } from "./ports.ts";

/** Rule 10: a deleted account gives up all its lines before its finalizer goes; it waits for no CustomDomain. */
export class AccountDeletion {
  readonly #writer: AccountWriter;
  readonly #release: LineRelease;
  readonly #events: EventRecorder;

  constructor(options: { readonly writer: AccountWriter; readonly release: LineRelease; readonly events: EventRecorder }) {
    this.#writer = options.writer;
    this.#release = options.release;
    this.#events = options.events;
  }

  /** The lines that have to be released still: none of a suspended account, none that an admin settles by hand. */
  linesToRelease(account: BillingAccount): readonly BillingLine[] {
    if (account.spec.suspend) return [];
    const abandoned = account.metadata.annotations?.[ANNOTATION_ABANDON_BILLING];
    return journalOf(account).filter((line) => line.subscriptionID !== abandoned);
  }

  /** What could not be released; empty = the finalizer may go. */
  release(run: AccountRun): Promise<ReleaseResult> {
    return this.#release.release(run, this.linesToRelease(run.account));
  }

  async finish(account: BillingAccount, signal: AbortSignal): Promise<void> {
    const left = journalOf(account).filter((line) => line.quantity > 0);
    if (left.length > 0) {
      const names = left
        .map((line) => `${line.itemPriceID} on subscription ${line.subscriptionID} (${line.quantity})`)
        .join(", ");
      this.#events.event(account, "Warning", "BillingAbandoned", "Deleting", `Left as they are at Chargebee: ${names}`);
    }
    const finalizers = (account.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
    await this.#writer.setFinalizers(account, finalizers, signal);
  }
}
