import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import { decideOrphan, decideTombstone, fuseBlown } from "../../core/claim-release.ts";
import { isStale } from "../../kube/api-error.ts";
import type { ObjectKey } from "../../kube/objects.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type ReconcileResult, type Reconciler, TryAgain } from "../../runtime/controller.ts";
import type { KeyedLock } from "../../runtime/keyed-lock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { mayRebind } from "../custom-domain/admit.ts";
import { holderKey, knownTenant, type Ledger } from "../ledger.ts";
import type { Providers } from "../providers.ts";
import { isUnrecorded } from "../row-ownership.ts";
import type { ReleaseProgress } from "./progress.ts";
import { release } from "./release.ts";

const BUSY_MS = 1_000;
const ORPHAN_SWEEP_MS = 600_000;
const UNAVAILABLE_MS = 15_000;
/** A Secret or class that is mended wakes its claims; this is for what is mended at Cloudflare. */
const REFUSED_MS = 300_000;
const VERIFY_MS = 2_000;
const MAX_VERIFY_MS = 60_000;
const LATE_MS = 600_000;
const HOUR_MS = 3_600_000;

/**
 * Does for a claim what no CustomDomain can be relied on to do: finishes releases (rule 8), notices holders that vanished
 * without their finalizer (rule 12) and clears tombstones (rule 13).
 */
export class DomainClaimReconciler implements Reconciler {
  readonly #ledger: Ledger;
  readonly #providers: Providers;
  readonly #locks: KeyedLock;
  readonly #progress: ReleaseProgress;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(options: {
    ledger: Ledger;
    providers: Providers;
    locks: KeyedLock;
    progress: ReleaseProgress;
    clock: Clock;
    logger: Logger;
  }) {
    this.#ledger = options.ledger;
    this.#providers = options.providers;
    this.#locks = options.locks;
    this.#progress = options.progress;
    this.#clock = options.clock;
    this.#log = options.logger.child({ controller: "domainclaim" });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const cached = this.#ledger.claims.get(key);
    if (cached === undefined || this.#nothingToDo(cached)) {
      this.#progress.succeeded(key);
      if (cached === undefined) this.#providers.unwatch(key);
      return cached === undefined ? {} : { requeueAfterMs: ORPHAN_SWEEP_MS };
    }
    const unlock = this.#locks.tryAcquire(key);
    if (unlock === undefined) throw new TryAgain("the name is being worked on", BUSY_MS);
    try {
      const live = await this.#ledger.claims.live(key, signal);
      if (live.kind === "gone") return {};
      return await this.#advance(live.object, signal);
    } catch (error) {
      if (isStale(error)) throw new TryAgain("the claim was written meanwhile");
      throw error;
    } finally {
      unlock();
    }
  }

  /** A held claim whose holder is in the cache: nothing may be wrong, so nothing is asked. */
  #nothingToDo(claim: DomainClaim): boolean {
    const { state, holder, orphanedTime } = claim.spec;
    if (state === "Releasing" || state === "Released" || orphanedTime !== undefined) return false;
    return this.#ledger.domains.get(holderKey(claim))?.metadata.uid === holder?.uid;
  }

  #advance(claim: DomainClaim, signal: AbortSignal): Promise<ReconcileResult> {
    if (claim.spec.state === "Releasing") return this.#release(claim, signal);
    if (claim.spec.state === "Released") return this.#tombstone(claim, signal);
    return this.#orphan(claim, signal);
  }

  async #release(claim: DomainClaim, signal: AbortSignal): Promise<ReconcileResult> {
    const name = claim.metadata.name;
    const provider = this.#providers.cloudflare(claim.spec.className ?? "");
    if (provider.kind === "unavailable") {
      const refused = provider.reason === "SecretNotFound" || provider.reason === "ClassNotFound";
      this.#progress.failed(name, { refused, message: provider.message }, this.#clock.monotonic());
      return { requeueAfterMs: refused ? REFUSED_MS : UNAVAILABLE_MS };
    }
    const { ownership } = provider.class.spec;
    const hostnames = [...new Set([name, `www.${name}`, ...claim.spec.rows.map((row) => row.hostname)])];
    const { session } = provider;
    const calls = { subject: `DomainClaim/${name}`, why: "release", hostnames, priority: "normal" } as const;
    const api = session.api(calls);
    try {
      const step = await release(
        claim,
        {
          ledger: this.#ledger,
          zoneID: session.zoneID,
          api,
          apiOf: (zoneID) => (zoneID === session.zoneID ? api : this.#providers.zone(zoneID)?.api(calls)),
          issuer: ownership.issuer,
          cooldownMs: ownership.releaseCooldownHours * HOUR_MS,
          hostnames,
          mustTell: !this.#isLate(name),
          now: () => this.#clock.now(),
        },
        signal,
      );
      if (step.kind === "waiting") return this.#wait(name, step.message);
      this.#progress.succeeded(name);
      return step.kind === "done" ? {} : { requeueAfterMs: 0 };
    } catch (error) {
      if (!(error instanceof CloudflareError)) throw error;
      const refused = error.class === "Unauthorized" || error.class === "SaaSNotEnabled";
      this.#progress.failed(name, { refused, message: error.message }, this.#clock.monotonic());
      this.#log.warn({ claim: name, err: error }, "a name cannot be released now");
      return { requeueAfterMs: Math.max(error.retryAfterMs ?? 0, refused ? REFUSED_MS : UNAVAILABLE_MS) };
    }
  }

  /** Looks again soon at first, then less and less often; what takes too long is told like a failure. */
  #wait(name: string, message: string): ReconcileResult {
    const now = this.#clock.monotonic();
    const waitedMs = this.#progress.waiting(name, message, now);
    if (this.#isLate(name)) this.#progress.failed(name, { refused: false, message }, now);
    return { requeueAfterMs: Math.min(MAX_VERIFY_MS, Math.max(VERIFY_MS, waitedMs / 2)) };
  }

  #isLate(name: string): boolean {
    const trouble = this.#progress.trouble(name);
    return trouble !== undefined && this.#clock.monotonic() - trouble.since >= LATE_MS;
  }

  async #tombstone(claim: DomainClaim, signal: AbortSignal): Promise<ReconcileResult> {
    const now = this.#clock.now();
    const lateRow = this.#hasLateRow(claim);
    const blown = lateRow && this.#lateRowFuse(claim);
    if (blown) this.#log.warn({ claim: claim.metadata.name }, "many released names have young rows: none is deleted");
    const decision = decideTombstone(claim.spec, { lateRow, fuseBlown: blown, now });
    if (decision === "release") await this.#ledger.claims.replace({ ...claim, spec: asReleasing(claim) }, signal);
    if (decision === "delete") await this.#ledger.claims.remove(claim, signal);
    const { releaseAfterTime } = claim.spec;
    if (decision !== "keep" || releaseAfterTime === undefined) return {};
    return { requeueAfterMs: Math.max(1_000, Date.parse(releaseAfterTime) - now) };
  }

  /** Rule 13, from the shared zone snapshot: a POST of a dead leader that arrived after the release. */
  #hasLateRow(claim: DomainClaim): boolean {
    const provider = this.#providers.cloudflare(claim.spec.className ?? "");
    if (provider.kind === "unavailable") return false;
    const { snapshot } = provider.session;
    const hostnames = [claim.metadata.name, `www.${claim.metadata.name}`];
    for (const hostname of hostnames) snapshot.watch(hostname);
    return hostnames.some((hostname) => snapshot.byHostname(hostname).some((row) => isUnrecorded(claim, row, this.#ledger)));
  }

  /** Late answers are rare. Many at once are rows that were made after a backup which somebody restored. */
  #lateRowFuse(claim: DomainClaim): boolean {
    const released = ({ spec }: DomainClaim): boolean => spec.state === "Released" && spec.rows.length === 0;
    const tombstones = this.#ledger.claims.store.byIndex("class", claim.spec.className ?? "").filter(released);
    return fuseBlown(tombstones.filter((each) => this.#hasLateRow(each)).length, tombstones.length);
  }

  async #orphan(claim: DomainClaim, signal: AbortSignal): Promise<ReconcileResult> {
    const holder = await this.#holder(claim, signal);
    const decision = decideOrphan({ claim: claim.spec, holder, fuseBlown: this.#orphanFuse(claim), now: this.#clock.now() });
    if (decision.kind === "update") {
      this.#log.info({ claim: claim.metadata.name, holder: holderKey(claim), why: decision.why }, "orphan check");
      await this.#ledger.claims.replace({ ...claim, spec: decision.spec }, signal);
    }
    return { requeueAfterMs: ORPHAN_SWEEP_MS };
  }

  async #holder(claim: DomainClaim, signal: AbortSignal): Promise<"present" | "gone" | "unknown"> {
    const { holder } = claim.spec;
    if (holder === undefined || !this.#ledger.domains.store.synced) return "unknown";
    try {
      const live = await this.#ledger.domains.live(`${holder.namespace}/${holder.name}`, signal);
      if (live.kind === "gone") return "gone";
      if (live.object.metadata.uid === holder.uid) return "present";
      // Restored or re-created: rule 2 gives it the claim back, be it only once its class is there again.
      const tenant = knownTenant(this.#ledger, holder.namespace);
      if (tenant === undefined) return "unknown";
      const returns = live.object.metadata.deletionTimestamp === undefined && mayRebind(live.object, tenant, claim);
      return returns ? "present" : "gone";
    } catch (error) {
      signal.throwIfAborted();
      this.#log.warn({ err: error, claim: claim.metadata.name }, "could not look for the holder");
      return "unknown";
    }
  }

  #orphanFuse(claim: DomainClaim): boolean {
    // Of the held ones: tombstones, which have no holder to miss, would only dilute the loss.
    const held = ({ spec }: DomainClaim): boolean => spec.state === "Pending" || spec.state === "Proven";
    const claims = this.#ledger.claims.store.byIndex("class", claim.spec.className ?? "").filter(held);
    return fuseBlown(claims.filter(({ spec }) => spec.orphanedTime !== undefined).length, claims.length);
  }
}

function asReleasing(claim: DomainClaim): DomainClaim["spec"] {
  return { ...claim.spec, state: "Releasing" };
}
