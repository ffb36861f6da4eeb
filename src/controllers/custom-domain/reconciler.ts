import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { ANNOTATION_RECHECK } from "../../api/v1/group.ts";
import { readProof } from "../../check/proof.ts";
import { hostnameCondition } from "../../cloudflare/hostname-conditions.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import { type Claimant, isHolder } from "../../core/claim-spec.ts";
import { findCondition } from "../../core/conditions.ts";
import { isStale } from "../../kube/api-error.ts";
import { keyOf, type ObjectKey } from "../../kube/objects.ts";
import { unpacked } from "../../kube/status-packing.ts";
import { type ReconcileResult, type Reconciler, TryAgain } from "../../runtime/controller.ts";
import { tenantOf } from "../ledger.ts";
import { type Admission, admit } from "./admit.ts";
import { rowsChanged } from "./aspects.ts";
import { dnsAccess } from "./check.ts";
import { type ClaimOutcome, claimName } from "./claim.ts";
import type { CustomDomainContext, Pass } from "./context.ts";
import { CheckMemory, checkDue } from "./due.ts";
import { finalise } from "./finalise.ts";
import { knowsOfRelease } from "./lapse.ts";
import { ensureMetadata, stableID } from "./metadata.ts";
import { prove } from "./prove.ts";
import { RefusalMemory } from "./refusal-memory.ts";
import { refusedByAdmission, refusedByClaim, waitingForRelease } from "./refusals.ts";
import { serve } from "./serve.ts";
import { wantedRow } from "./wanted.ts";
import { writeStatus } from "./write-status.ts";

const BUSY_MS = 1_000;
const QUOTA_AFTER_MS = 60_000;
const ADMISSION_AFTER_MS = 300_000;
const FINALISE_AFTER_MS = 15_000;

/**
 * One reconcile of a CustomDomain: finalizer → name, class and policy → claim → prove → provision → observe → check → one
 * status write. Every step looks at what is there, so a crash after any of them is continued by the next reconcile.
 */
export class CustomDomainReconciler implements Reconciler {
  readonly #options: CustomDomainContext;
  readonly #memory = new CheckMemory();
  readonly #refusals = new RefusalMemory();

  constructor(options: CustomDomainContext) {
    this.#options = options;
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const cached = this.#options.ledger.domains.get(key);
    if (cached === undefined) return {};
    const domain = unpacked(cached);
    try {
      if (domain.metadata.deletionTimestamp !== undefined) return await this.#finalise(domain, signal);
      return await this.#advance(domain, signal);
    } catch (error) {
      if (!isStale(error)) throw error;
      // W1: decide again on what is there now, not on a copy that may stay behind for a while.
      const { domains } = this.#options.ledger;
      const live = await domains.live(key, signal);
      if (live.kind === "gone") {
        domains.store.remove(cached);
        return {};
      }
      throw new TryAgain("the object was written meanwhile");
    }
  }

  async #finalise(domain: CustomDomain, signal: AbortSignal): Promise<ReconcileResult> {
    const { ledger, progress, events, clock } = this.#options;
    const tenant = tenantOf(ledger, domain.metadata.namespace ?? "");
    const id = stableID(domain, ledger);
    const outcome = await finalise(domain, { ledger, progress, events, clock, tenant, id }, signal);
    if (outcome.kind === "finalised") {
      this.#memory.forget(domain.metadata.uid ?? "");
      return {};
    }
    const current = ledger.domains.get(keyOf(domain)) ?? domain;
    await this.#write(current, waitingForRelease(current, outcome, clock.now()), signal);
    return { requeueAfterMs: FINALISE_AFTER_MS };
  }

  async #advance(cached: CustomDomain, signal: AbortSignal): Promise<ReconcileResult> {
    const { ledger, clock } = this.#options;
    const domain = await ensureMetadata(cached, ledger, signal);
    const id = stableID(domain, ledger);
    const admission = admit(domain, ledger);
    if (admission.kind === "refused") {
      await this.#write(domain, refusedByAdmission(domain, id, admission, clock.now()), signal);
      return { requeueAfterMs: ADMISSION_AFTER_MS };
    }
    if (isExpired(domain)) return {};
    const unlock = this.#options.locks.tryAcquire(admission.names.name);
    if (unlock === undefined) throw new TryAgain("the name is being worked on", BUSY_MS);
    try {
      return await this.#claimed(domain, id, admission, signal);
    } finally {
      unlock();
    }
  }

  async #claimed(
    domain: CustomDomain,
    id: string,
    admission: Extract<Admission, { kind: "admitted" }>,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { ledger, locks, clock, check } = this.#options;
    const { class: found, names } = admission;
    const { namespace = "", name, uid = "" } = domain.metadata;
    const claimant: Claimant = { namespace, name, uid, tenant: tenantOf(ledger, namespace), id, className: found.metadata.name };
    const claimed = await claimName(
      domain,
      { ledger, locks, class: found, claimant, domain: names.name, now: clock.now() },
      signal,
    );
    if (claimed.kind === "overQuota") {
      const refusal = { kind: "refused", reason: "QuotaExceeded", message: claimed.message, stalled: false } as const;
      await this.#write(domain, refusedByAdmission(domain, id, refusal, clock.now()), signal);
      return { requeueAfterMs: QUOTA_AFTER_MS };
    }
    // Known by the live claim only: a holder that was re-created, or a cache that is behind. What it pinned decides.
    if (claimed.kind === "held" && claimed.claim.spec.className !== found.metadata.name)
      throw new TryAgain("the claim names another class");
    const rows = this.#observedRows(claimed.claim, found.metadata.name);
    const times = this.#memory.get(domain);
    const required = found.spec.ownership.proof === "Required";
    const changed = rowsChanged(rows.values(), domain.status) || claimChanged(domain, claimed, required);
    const recheckMinMs = found.spec.ownership.recheckMinSeconds * 1_000;
    const due = checkDue(domain, { times, changed, recheckMinMs, now: clock.now() });
    const answer = due.kind === "now" && required ? await readProof(names.name, dnsAccess(found, check), signal) : undefined;
    const hostnameActive = isHostnameActive(claimed.claim, rows.get(names.name));
    const context = { ledger, class: found, claimant, answer, hostnameActive, now: clock.now() };
    const proved = await prove(claimed.claim, context, signal);
    // A takeover by proof makes the contender the holder: the next reconcile goes on as one, at once.
    if (claimed.kind === "refused" && proved.why !== undefined && proved.claim.spec.holder?.uid === uid)
      throw new TryAgain("the claim was taken over by proof", 0);
    const pass: Pass = {
      domain,
      id,
      admission,
      claimant,
      claim: proved.claim,
      proved: context,
      due,
      since: times,
      refusals: this.#refusals,
    };
    // Its own claim, released by a pass that died before it could tell.
    const untold = isHolder(claimed.claim.spec, claimant) && !knowsOfRelease(domain.status);
    if (claimed.kind === "refused" && !untold) {
      const { status, nextAt } = await refusedByClaim(pass, claimed, check, signal);
      return this.#finish(domain, status, due.kind === "now" ? clock.now() : undefined, nextAt, signal);
    }
    const { status, nextAt, checkedAt, soonerMs } = await serve(pass, this.#options, this.#wanted(pass), signal);
    const result = await this.#finish(domain, status, checkedAt, nextAt, signal);
    return { requeueAfterMs: Math.min(result.requeueAfterMs ?? Number.POSITIVE_INFINITY, soonerMs) };
  }

  #wanted({ domain, admission: { class: found, names }, claim }: Pass) {
    const holding = { domain, class: found, claim };
    const primary = wantedRow("Primary", names.name, holding);
    return names.wwwTwin === undefined ? [primary] : [primary, wantedRow("Redirect", names.wwwTwin, holding)];
  }

  /** The claim's rows as the shared snapshot has them; none where it has not seen them. */
  #observedRows(claim: DomainClaim, className: string) {
    const provider = this.#options.providers.cloudflare(className);
    const snapshot = provider.kind === "ready" ? provider.session.snapshot : undefined;
    const known = claim.spec.rows.flatMap(({ id }) => snapshot?.byID(id) ?? []);
    return new Map(known.map((row) => [row.hostname, row]));
  }

  async #finish(
    domain: CustomDomain,
    status: NonNullable<CustomDomain["status"]>,
    checkedAt: number | undefined,
    nextAt: number,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { clock } = this.#options;
    await this.#write(domain, status, signal);
    if (checkedAt !== undefined) this.#memory.set(domain.metadata.uid ?? "", { checkedAt, nextAt });
    return { requeueAfterMs: Math.max(0, nextAt - clock.now()) };
  }

  #write(domain: CustomDomain, status: NonNullable<CustomDomain["status"]>, signal: AbortSignal): Promise<void> {
    const { ledger, events } = this.#options;
    return writeStatus(domain, status, { ledger, events }, signal);
  }
}

/** Undefined where there should be a row and nobody has seen it, as after a restart. */
function isHostnameActive({ spec }: DomainClaim, row: CustomHostname | undefined): boolean | undefined {
  if (row !== undefined) return hostnameCondition(row).status === "True";
  return spec.rows.some(({ role }) => role === "Primary") ? undefined : false;
}

/** Claims rule 11: an unproven claim ran out. Only an edit or a recheck claims the name again. */
function isExpired({ status, metadata }: CustomDomain): boolean {
  const stalled = findCondition(status?.conditions, "Stalled");
  if (stalled?.reason !== "ProofExpired" || status?.observedGeneration !== metadata.generation) return false;
  const token = metadata.annotations?.[ANNOTATION_RECHECK]?.slice(0, 256);
  return token === undefined || token === status?.lastHandledRecheck;
}

/** Whether the claim says something that status does not know yet. Without `required`, a proven one may be unowned for long. */
function claimChanged(
  { status }: CustomDomain,
  outcome: Exclude<ClaimOutcome, { kind: "overQuota" }>,
  required: boolean,
): boolean {
  const { spec } = outcome.claim;
  const claimed = findCondition(status?.conditions, "Claimed")?.status === "True";
  if (status?.domain !== spec.domain || claimed !== (outcome.kind === "held")) return true;
  const owned = findCondition(status?.conditions, "OwnershipVerified")?.status === "True";
  const proven = spec.state === "Proven" && (!required || spec.proofLostTime === undefined);
  return claimed && (required ? owned !== proven : owned && !proven);
}
