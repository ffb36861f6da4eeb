import type { BillingAccount } from "../../api/v1/billing-account.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { ANNOTATION_ACCEPT_QUANTITY, ANNOTATION_RECHECK, FINALIZER } from "../../api/v1/group.ts";
import { ChargebeeError } from "../../chargebee/errors.ts";
import { sameLine } from "../../core/billing-lines.ts";
import { findCondition, wholeSeconds } from "../../core/conditions.ts";
import { keyOf, type ObjectKey } from "../../kube/objects.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type ReconcileResult, type Reconciler, TryAgain } from "../../runtime/controller.ts";
import type { KeyedLock } from "../../runtime/keyed-lock.ts";
import type { AccessResolver, AccountAccess } from "./account-access.ts";
import type { AccountDeletion } from "./account-deletion.ts";
import { type AccountRun, journalOf } from "./account-run.ts";
import { type PlainState, plainStatus, syncedStatus } from "./account-status.ts";
import { type Failure, failureOf } from "./failure.ts";
import type { LineRelease, ReleaseResult } from "./line-release.ts";
import type { LineSync } from "./line-sync.ts";
import { AccountMemory, type BillingMemory } from "./memory.ts";
import type { AccountWriter, BillingSources } from "./ports.ts";
import type { SyncResult } from "./sync-result.ts";

const BUSY_MS = 1_000;
/** A late POST of the leader before us has arrived by then (rule 12). */
const AFTER_LEASE_MS = 60_000;
/** One failure is weather; the second is told. */
const TOLD_FAILURES = 2;
const NOTHING_HELD: ReleaseResult = { held: [], afterMs: undefined };

export interface BillingAccountReconcilerOptions {
  readonly sources: BillingSources;
  readonly writer: AccountWriter;
  readonly access: AccessResolver;
  readonly sync: LineSync;
  readonly release: LineRelease;
  readonly deletion: AccountDeletion;
  readonly memory: BillingMemory;
  /** Held while anything is asked of a (site, subscription). */
  readonly locks: KeyedLock;
  readonly clock: Clock;
}

/** Makes the quantity at Chargebee follow the claims of one namespace in one class (billing protocol). Leader only. */
export class BillingAccountReconciler implements Reconciler {
  readonly #options: BillingAccountReconcilerOptions;
  #leadingSince: number;

  /** To be made when the lease is gained, or told by {@link leaseGained}. */
  constructor(options: BillingAccountReconcilerOptions) {
    this.#options = options;
    this.#leadingSince = options.clock.monotonic();
  }

  leaseGained(): void {
    this.#leadingSince = this.#options.clock.monotonic();
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const { sources, memory, access } = this.#options;
    // Unknown never writes: a count of claims that were not listed would be too small.
    if (!sources.synced) return { requeueAfterMs: BUSY_MS };
    const account = sources.account(key);
    if (account === undefined) {
      memory.drop(key);
      return {};
    }
    const way = access.resolve(account);
    if (account.metadata.deletionTimestamp !== undefined) return this.#delete(key, account, way, signal);
    if (way.kind === "unknown") return { requeueAfterMs: BUSY_MS };
    if (way.kind === "none") {
      if (way.state.kind !== "waiting" || this.#isBehind(account)) {
        await this.#put(account, plainStatus(account, way.state, this.#now()), signal);
      }
      return {};
    }
    return this.#locked(this.#begin(key, account, way, signal), (run) => this.#bill(run));
  }

  /** A missing Secret is the class's to tell; an account tells it where something of its own waits for it. */
  #isBehind(account: BillingAccount): boolean {
    const { status } = account;
    const count = this.#options.sources.claimsOf(keyOf(account)).length;
    return findCondition(status?.conditions, "Synced")?.status !== "True" || status?.domains !== count;
  }

  #begin(
    key: ObjectKey,
    account: BillingAccount,
    way: Extract<AccountAccess, { kind: "ready" }>,
    signal: AbortSignal,
  ): AccountRun {
    const { memory: all } = this.#options;
    const { uid = "", generation = 0, annotations } = account.metadata;
    const memory = all.account(key, uid, () => this.#freshMemory(account, uid));
    memory.site = way.settings.site;
    memory.subscriptionID = way.settings.line.subscriptionID;
    memory.resyncMs = way.settings.resyncMs;
    memory.notice(`${generation}\n${way.version}\n${annotations?.[ANNOTATION_RECHECK] ?? ""}`);
    return { key, account, settings: way.settings, api: way.api, memory, signal };
  }

  /** What another leader left in order needs no read before the resync; anything else does. */
  #freshMemory(account: BillingAccount, uid: string): AccountMemory {
    const { status, metadata } = account;
    const inOrder =
      findCondition(status?.conditions, "Synced")?.status === "True" && status?.observedGeneration === metadata.generation;
    const now = this.#options.clock.monotonic();
    return new AccountMemory(uid, Math.max(now, this.#leadingSince + AFTER_LEASE_MS), !inOrder);
  }

  /** V1: holds every subscription that the run may touch; a busy one is a reason to come back, not to wait. */
  async #locked<T>(run: AccountRun, body: (run: AccountRun) => Promise<T>): Promise<T> {
    const ids = new Set([run.settings.line.subscriptionID, ...journalOf(run.account).map((line) => line.subscriptionID)]);
    const releases: (() => void)[] = [];
    try {
      for (const id of ids) {
        const release = this.#options.locks.tryAcquire(`${run.settings.site}/${id}`);
        if (release === undefined) throw new TryAgain(`subscription ${id} is busy`, BUSY_MS);
        releases.push(release);
      }
      return await body(run);
    } finally {
      for (const release of releases) release();
    }
  }

  async #bill(run: AccountRun): Promise<ReconcileResult> {
    const { sync, release, clock } = this.#options;
    const others = journalOf(run.account).filter((line) => !sameLine(line, run.settings.line));
    const released = run.account.spec.suspend || others.length === 0 ? NOTHING_HELD : await release.release(run, others);
    const subscription = run.memory.subscription(run.settings.line.subscriptionID);
    const waitMs = subscription.retryAt - clock.monotonic();
    if (waitMs > 0) return soonest(waitMs, released.afterMs);
    let result: SyncResult;
    try {
      result = await sync.run(run);
    } catch (error) {
      if (!(error instanceof ChargebeeError)) throw error;
      return this.#failed(run, error, released);
    }
    subscription.failures = 0;
    await this.#record(run, result, released);
    const resyncMs = Math.max(BUSY_MS, run.memory.nextReadAt - clock.monotonic());
    return soonest("afterMs" in result && result.afterMs !== undefined ? result.afterMs : resyncMs, released.afterMs, resyncMs);
  }

  async #record(run: AccountRun, result: SyncResult, released: ReleaseResult): Promise<void> {
    const { sources, writer } = this.#options;
    const claims = sources.claimsOf(run.key);
    const coversNew = isNews(claims, run.memory.covered, run.account.status?.lastSyncedTime);
    const { line } = run.settings;
    const status = syncedStatus({ account: run.account, line, result, heldLines: released.held, coversNew, now: this.#now() });
    run.account = await this.#put(run.account, status, run.signal);
    if (result.kind === "synced") run.memory.covered = new Set(claims.map((claim) => claim.metadata.name));
    // Used up: left there, it would accept the same figure for ever, zero among them.
    if (result.kind === "synced" && run.account.metadata.annotations?.[ANNOTATION_ACCEPT_QUANTITY] === String(result.desired)) {
      run.account = await writer.removeAnnotation(run.account, ANNOTATION_ACCEPT_QUANTITY, run.signal);
    }
  }

  /** A shared failure is the class's to tell; an account tells what keeps a change of its own from being made. */
  async #failed(run: AccountRun, error: ChargebeeError, released: ReleaseResult): Promise<ReconcileResult> {
    const { clock } = this.#options;
    const subscription = run.memory.subscription(run.settings.line.subscriptionID);
    subscription.failures += 1;
    const failure = failureOf(error, run.memory.uid, subscription.failures);
    if (!failure.shared) subscription.retryAt = clock.monotonic() + failure.afterMs;
    if (wantsChange(run) && (subscription.failures >= TOLD_FAILURES || failure.reason === "Unauthorized")) {
      run.account = await this.#put(run.account, plainStatus(run.account, waitingState(failure), this.#now()), run.signal);
    }
    return soonest(failure.afterMs, released.afterMs);
  }

  async #delete(key: ObjectKey, account: BillingAccount, way: AccountAccess, signal: AbortSignal): Promise<ReconcileResult> {
    const { deletion, memory } = this.#options;
    if (!(account.metadata.finalizers ?? []).includes(FINALIZER)) return {};
    let current = account;
    if (deletion.linesToRelease(account).length > 0) {
      if (way.kind === "unknown") return { requeueAfterMs: BUSY_MS };
      if (way.kind === "none") return this.#stuck(account, way.state.message, BUSY_MS * 60, signal);
      const run = this.#begin(key, account, way, signal);
      const { held, afterMs = BUSY_MS } = await this.#locked(run, () => deletion.release(run));
      current = run.account;
      const [first] = held;
      if (first !== undefined)
        return this.#stuck(
          current,
          `${first.line.itemPriceID} on subscription ${first.line.subscriptionID}: ${first.message}`,
          afterMs,
          signal,
        );
    }
    await deletion.finish(current, signal);
    memory.drop(key);
    return {};
  }

  async #stuck(account: BillingAccount, message: string, afterMs: number, signal: AbortSignal): Promise<ReconcileResult> {
    await this.#put(account, plainStatus(account, { kind: "waiting", reason: "ReleasePending", message }, this.#now()), signal);
    return { requeueAfterMs: afterMs };
  }

  async #put(account: BillingAccount, status: ReturnType<typeof plainStatus>, signal: AbortSignal): Promise<BillingAccount> {
    return status === undefined ? account : this.#options.writer.putStatus(account, status, signal);
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

/** Whether the account's quantity is known to be wrong, or not known at all: then a failure is worth telling. */
function wantsChange(run: AccountRun): boolean {
  const { damping } = run.memory;
  const { pending } = run.memory.line(run.settings.line);
  return damping !== undefined || pending !== undefined || run.account.status?.lastSyncedTime === undefined;
}

/** Whether a domain is counted that the last sync on record did not count; after a restart its claim's age has to tell. */
function isNews(
  claims: readonly DomainClaim[],
  covered: ReadonlySet<string> | undefined,
  lastSyncedTime: string | undefined,
): boolean {
  if (lastSyncedTime === undefined) return true;
  if (covered !== undefined) return claims.some((claim) => !covered.has(claim.metadata.name));
  return claims.some((claim) => wholeSeconds(Date.parse(claim.spec.createdTime)) > lastSyncedTime);
}

function waitingState(failure: Failure): PlainState {
  return { kind: "waiting", reason: failure.reason, message: failure.message };
}

function soonest(...delays: readonly (number | undefined)[]): ReconcileResult {
  const known = delays.filter((delay) => delay !== undefined);
  return known.length === 0 ? {} : { requeueAfterMs: Math.min(...known) };
}
