import type { BillingAccount } from "../../api/v1/billing-account.ts";
import { ANNOTATION_ACCEPT_QUANTITY, FINALIZER } from "../../api/v1/group.ts";
import { type BillingInput, type BillingStep, decideBilling, type Snapshot } from "../../core/billing.ts";
import { contenders } from "../../core/billing-lines.ts";
import type { CatalogView } from "../../core/billing-subscription.ts";
import { findCondition } from "../../core/conditions.ts";
import type { EventRecorder } from "../../kube/events.ts";
import { splitKey } from "../../kube/objects.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type AccountRun, journalled, journalOf, withEntry } from "./account-run.ts";
import { lineClaimant } from "./account-settings.ts";
import { journalStatus } from "./account-status.ts";
import type { Catalogue } from "./catalogue.ts";
import type { LineWriter } from "./line-writer.ts";
import type { BillingMemory, Refusal } from "./memory.ts";
import type { AccountWriter, BillingSources } from "./ports.ts";
import { nextReadAt, type SubscriptionReader } from "./subscription-reader.ts";
import { end, MAX_LINES, type SyncResult, synced, tooManyLines } from "./sync-result.ts";

const REFUSAL_MS = 3_600_000;
/** A state that changed under the write shows in a new read; a key that was used differently gets one more try with another. */
const SOON_MS = 5_000;
const CORRECTION_INTERVAL_MS = 10 * 60_000;
/** read, inspect, settle, journal, write, record: more steps than this mean that two decisions disagree. */
const MAX_STEPS = 10;

/** Rules 1 to 8: brings the account's own line to the right quantity, one decided step after the other. */
export class LineSync {
  readonly #sources: BillingSources;
  readonly #writer: AccountWriter;
  readonly #reader: SubscriptionReader;
  readonly #catalogue: Catalogue;
  readonly #lines: LineWriter;
  readonly #memory: BillingMemory;
  readonly #events: EventRecorder;
  readonly #clock: Clock;

  constructor(options: {
    readonly sources: BillingSources;
    readonly writer: AccountWriter;
    readonly reader: SubscriptionReader;
    readonly catalogue: Catalogue;
    readonly lines: LineWriter;
    readonly memory: BillingMemory;
    readonly events: EventRecorder;
    readonly clock: Clock;
  }) {
    this.#sources = options.sources;
    this.#writer = options.writer;
    this.#reader = options.reader;
    this.#catalogue = options.catalogue;
    this.#lines = options.lines;
    this.#memory = options.memory;
    this.#events = options.events;
    this.#clock = options.clock;
  }

  /** Throws ChargebeeError for what is not a definite answer. */
  async run(run: AccountRun): Promise<SyncResult> {
    let snapshot = this.#remembered(run);
    let catalog: CatalogView | undefined;
    for (let pass = 0; pass < MAX_STEPS; pass += 1) {
      const input = this.#observe(run, snapshot, catalog);
      const { step, desired = 0, damping } = decideBilling(input);
      run.memory.damping = damping;
      switch (step.kind) {
        case "read":
          snapshot = await this.#read(run);
          break;
        case "inspect":
          if (snapshot?.subscription === undefined) throw new Error("a catalogue question without a subscription");
          catalog = await this.#catalogue.view(run.api, run.settings.line.itemPriceID, snapshot.subscription, run.signal);
          break;
        case "settle":
          run.memory.line(run.settings.line).pending = undefined;
          await this.#journal(run, step.quantity, snapshot);
          break;
        case "journal":
          if (journalOf(run.account).length >= MAX_LINES) return tooManyLines(desired);
          await this.#journal(run, step.quantity, snapshot);
          break;
        case "write": {
          const failed = await this.#write(run, step, snapshot, desired);
          if (failed !== undefined) return failed;
          run.memory.damping = undefined;
          if (step.quantity === desired) return synced(input, desired);
          // A repeated write of an older quantity: it is settled and on record, now the quantity is decided anew.
          snapshot = this.#remembered(run, true);
          await this.#journal(run, step.quantity, snapshot);
          break;
        }
        case "record":
          run.memory.line(run.settings.line).pending = undefined;
          // A line that bills has to be released one day, whoever put it there.
          if (step.quantity > 0 && input.journalled === undefined) await this.#journal(run, step.quantity, snapshot);
          return synced(input, desired);
        default:
          return end(step, desired);
      }
    }
    throw new Error("billing: no decision ended the reconcile");
  }

  #observe(run: AccountRun, snapshot: Snapshot | undefined, catalog: CatalogView | undefined): BillingInput {
    const { account, settings, memory } = run;
    const { line, mode, freeQuantity, maxQuantity, delays } = settings;
    const now = this.#clock.monotonic();
    const { pending, correctedAt, written } = memory.line(line);
    const entry = journalled(account, line);
    const { namespace = "" } = splitKey(run.key);
    return {
      now,
      line,
      mode,
      freeQuantity,
      maxQuantity,
      delays,
      suspend: account.spec.suspend,
      count: this.#sources.synced ? this.#sources.claimsOf(run.key).length : undefined,
      countBefore: account.status?.domains,
      journalled: entry?.quantity,
      recorded: entry?.quantity ?? (isSyncedFor(account) ? 0 : undefined),
      written,
      contenders: this.#contenders(run),
      explained: this.#memory.explainedSince(run.key, Date.parse(account.status?.lastSyncedTime ?? "1970-01-01T00:00:00Z")),
      namespaceTerminating: this.#sources.isTerminating(namespace),
      acceptedQuantity: account.metadata.annotations?.[ANNOTATION_ACCEPT_QUANTITY],
      damping: memory.damping,
      pending,
      refusal: this.#refusalInForce(run),
      readDue: memory.readRequested || now >= memory.nextReadAt,
      snapshot,
      catalog,
      driftWaitMs: correctedAt === undefined ? 0 : Math.max(0, correctedAt + CORRECTION_INTERVAL_MS - now),
    };
  }

  #contenders(run: AccountRun): string[] {
    const others = this.#sources.accountsOn(run.settings.line.subscriptionID);
    const classOf = (name: string) => this.#sources.classNamed(name);
    const claimants = others.map((account) => lineClaimant(account, classOf(account.metadata.name)));
    return contenders(lineClaimant(run.account, classOf(run.account.metadata.name)), claimants);
  }

  #refusalInForce(run: AccountRun): Refusal | undefined {
    const { refusal } = run.memory.line(run.settings.line);
    return refusal !== undefined && refusal.until > this.#clock.monotonic() ? refusal : undefined;
  }

  #remembered(run: AccountRun, fresh = false): Snapshot | undefined {
    const known = run.memory.subscription(run.settings.line.subscriptionID).snapshot;
    return known === undefined ? undefined : { subscription: known.subscription, fresh };
  }

  async #read(run: AccountRun): Promise<Snapshot> {
    const { memory, settings } = run;
    const routine = !memory.readRequested && this.#clock.monotonic() >= memory.nextReadAt;
    const subscription = routine ? await this.#reader.resync(run) : await this.#reader.read(run, settings.line.subscriptionID);
    memory.readRequested = false;
    memory.nextReadAt = nextReadAt(memory, this.#clock.monotonic());
    return { subscription, fresh: true };
  }

  /** Rule 7: the finalizer first, or an account deleted in between would leave its line behind. */
  async #journal(run: AccountRun, quantity: number, snapshot: Snapshot | undefined): Promise<void> {
    const finalizers = run.account.metadata.finalizers ?? [];
    if (!finalizers.includes(FINALIZER)) {
      run.account = await this.#writer.setFinalizers(run.account, [...finalizers, FINALIZER], run.signal);
    }
    const entry = { ...run.settings.line, quantity, resourceVersion: snapshot?.subscription?.resourceVersion ?? 0 };
    const lines = withEntry(journalOf(run.account), entry);
    run.account = await this.#writer.putStatus(run.account, journalStatus(run.account, { lines }, this.#clock.now()), run.signal);
  }

  async #write(
    run: AccountRun,
    step: Extract<BillingStep, { kind: "write" }>,
    snapshot: Snapshot | undefined,
    desired: number,
  ): Promise<SyncResult | undefined> {
    const subscription = snapshot?.subscription;
    if (subscription === undefined || snapshot?.fresh !== true) throw new Error("a write without a fresh read");
    const { line } = run.settings;
    const outcome = await this.#lines.write(run, { line, subscription, quantity: step.quantity, repeat: step.repeat });
    if (outcome.kind === "held")
      return { kind: "held", stalled: true, reason: "BillingRejected", message: outcome.message, desired };
    const memory = run.memory.line(line);
    const now = this.#clock.monotonic();
    if (outcome.kind === "written") {
      memory.refusal = undefined;
      if (step.drift) memory.correctedAt = now;
      this.#announce(run, step);
      return undefined;
    }
    const { reason, message, error } = outcome;
    const again = error?.class === "key-conflict" && memory.refusal?.reason !== reason;
    const stateChanged = error?.class === "invalid-state" || error?.class === "not-found";
    memory.refusal = { reason, message, until: now + (again ? SOON_MS : REFUSAL_MS) };
    run.memory.readRequested = stateChanged;
    return { kind: "refused", reason, message, desired, afterMs: again || stateChanged ? SOON_MS : REFUSAL_MS };
  }

  #announce(run: AccountRun, step: Extract<BillingStep, { kind: "write" }>): void {
    const { subscriptionID, itemPriceID } = run.settings.line;
    const note = `Quantity of ${itemPriceID} on subscription ${subscriptionID} set to ${step.quantity}`;
    this.#events.event(run.account, "Normal", "QuantityChanged", "Billing", note);
    if (step.drift)
      this.#events.event(run.account, "Warning", "DriftCorrected", "Billing", `${note}: it had been changed by somebody else`);
  }
}

/** Whether the status tells of a sync of this spec: what is not in its lines is then known to be absent. */
function isSyncedFor({ metadata, status }: BillingAccount): boolean {
  const isSynced = status?.lastSyncedTime !== undefined && findCondition(status.conditions, "Synced")?.status === "True";
  return isSynced && status.observedGeneration === metadata.generation;
}
