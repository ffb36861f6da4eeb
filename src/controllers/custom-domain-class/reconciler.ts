import type { CustomDomainClass, CustomDomainClassStatus } from "../../api/v1/custom-domain-class.ts";
import { FINALIZER } from "../../api/v1/group.ts";
import type { ChargebeeSites } from "../../chargebee/sites.ts";
import { isGone } from "../../cloudflare/hostname.ts";
import { conditionsOf, differs, type Finding, findCondition } from "../../core/conditions.ts";
import { isStale } from "../../kube/api-error.ts";
import type { EventRecorder } from "../../kube/events.ts";
import type { ObjectKey } from "../../kube/objects.ts";
import type { SecretReader } from "../../kube/secrets.ts";
import { hashFraction } from "../../runtime/backoff.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type ReconcileResult, type Reconciler, TryAgain } from "../../runtime/controller.ts";
import type { ReleaseProgress } from "../domain-claim/progress.ts";
import type { Ledger } from "../ledger.ts";
import type { Providers } from "../providers.ts";
import { deletionProblem, orphanProblem, proofFinding, releaseProblem } from "./claim-problems.ts";
import { billingKeyProblem, signingKeyProblem } from "./secret-problems.ts";
import { inspectZone, type ZoneReport } from "./zone.ts";

const HEALTHY_MS = 300_000;
const UNHEALTHY_MS = 60_000;
const COUNTS_MS = 30_000;
const SECRET_MS = 1_000;
const COUNTS: ReadonlySet<string> = new Set(["domains", "unmanagedHostnames", "quota"]);

/**
 * Says once, on the class, what is true of all its domains: whether the credential works, the fallback origin serves, the
 * quota has room and the proofs can be relied on. Holds the class while any claim names it.
 */
export class CustomDomainClassReconciler implements Reconciler {
  readonly #ledger: Ledger;
  readonly #providers: Providers;
  readonly #secrets: SecretReader;
  readonly #sites: Pick<ChargebeeSites, "isRefused">;
  readonly #progress: ReleaseProgress;
  readonly #events: EventRecorder;
  readonly #clock: Clock;
  /** By class: the last look at the zone, so that a burst of claim events costs no request. */
  readonly #reports = new Map<ObjectKey, { readonly report: ZoneReport; readonly at: number; readonly basis: string }>();
  readonly #countsWritten = new Map<ObjectKey, number>();

  constructor(options: {
    ledger: Ledger;
    providers: Providers;
    secrets: SecretReader;
    sites: Pick<ChargebeeSites, "isRefused">;
    progress: ReleaseProgress;
    events: EventRecorder;
    clock: Clock;
  }) {
    this.#ledger = options.ledger;
    this.#providers = options.providers;
    this.#secrets = options.secrets;
    this.#sites = options.sites;
    this.#progress = options.progress;
    this.#events = options.events;
    this.#clock = options.clock;
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const found = this.#ledger.classes.get(key);
    if (found === undefined) {
      this.#reports.delete(key);
      this.#countsWritten.delete(key);
      this.#providers.forget(key);
      return {};
    }
    try {
      if (found.metadata.deletionTimestamp !== undefined && !this.#inUse(key)) {
        const finalizers = (found.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
        if (finalizers.length !== found.metadata.finalizers?.length)
          await this.#ledger.classes.patchMetadata(found, { finalizers }, signal);
        return {};
      }
      const held = await this.#hold(found, signal);
      // Nothing is known to tell yet; the Secret's arrival queues the class again.
      if (this.#secrets.read(found.spec.cloudflare.apiTokenSecretRef).kind === "unknown") return { requeueAfterMs: SECRET_MS };
      return await this.#report(held, signal);
    } catch (error) {
      if (isStale(error)) throw new TryAgain("the class was written meanwhile");
      throw error;
    }
  }

  /**
   * Whether any claim still names the class (its issuer and credential are needed to release them), or any BillingAccount
   * still answers for lines at its site (which a class of the same name with another site could not release).
   */
  #inUse(key: ObjectKey): boolean {
    const { claims, accounts } = this.#ledger;
    if (!claims.store.synced || !accounts.store.synced) return true;
    return this.#billedAccounts(key) > 0 || claims.store.byIndex("class", key).length > 0;
  }

  #billedAccounts(key: ObjectKey): number {
    return this.#ledger.accounts.store.byIndex("class", key).filter(({ status }) => (status?.lines ?? []).length > 0).length;
  }

  async #hold(found: CustomDomainClass, signal: AbortSignal): Promise<CustomDomainClass> {
    const finalizers = found.metadata.finalizers ?? [];
    if (finalizers.includes(FINALIZER) || found.metadata.deletionTimestamp !== undefined) return found;
    return this.#ledger.classes.patchMetadata(found, { finalizers: [...finalizers, FINALIZER] }, signal);
  }

  async #report(found: CustomDomainClass, signal: AbortSignal): Promise<ReconcileResult> {
    const { report, ageMs } = await this.#zone(found, signal);
    const now = this.#clock.now();
    const generation = found.metadata.generation ?? 0;
    const previous = found.status;
    const findings = this.#findings(found, report);
    const claims = this.#ledger.claims.store.byIndex("class", found.metadata.name);
    const status: CustomDomainClassStatus = {
      ...(previous ?? {}),
      observedGeneration: generation,
      domains: claims.filter(({ spec }) => spec.state === "Pending" || spec.state === "Proven").length,
      ...(report.quota === undefined ? {} : { quota: report.quota }),
      ...this.#unmanaged(found.metadata.name),
      conditions: conditionsOf(previous?.conditions ?? [], findings, generation, now),
    };
    const healthy = findings.Ready.status === "True";
    const again = Math.max(
      1_000,
      (healthy ? HEALTHY_MS : UNHEALTHY_MS) * (0.9 + 0.2 * hashFraction(found.metadata.uid ?? "")) - ageMs,
    );
    if (!differs(previous, status)) return { requeueAfterMs: again };
    if (!differs(previous, status, COUNTS)) {
      // Only counts moved: a burst of a thousand claims is a few writes, not a thousand.
      const wait =
        (this.#countsWritten.get(found.metadata.name) ?? Number.NEGATIVE_INFINITY) + COUNTS_MS - this.#clock.monotonic();
      if (wait > 0) return { requeueAfterMs: Math.min(wait, again) };
    }
    await this.#ledger.classes.replaceStatus(found, status, signal);
    this.#countsWritten.set(found.metadata.name, this.#clock.monotonic());
    this.#announce(found, findings.Ready);
    return { requeueAfterMs: again };
  }

  /** Rows of the zone that no claim answers for; kept as it was until the zone has been listed. */
  #unmanaged(name: ObjectKey): Pick<CustomDomainClassStatus, "unmanagedHostnames"> {
    const provider = this.#providers.cloudflare(name);
    if (provider.kind === "unavailable" || provider.session.snapshot.state().generation === 0) return {};
    const managed = new Set<string>();
    for (const { spec } of this.#ledger.claims.store.list()) for (const { id } of spec.rows) managed.add(id);
    let unmanagedHostnames = 0;
    for (const row of provider.session.snapshot.all()) if (!managed.has(row.id) && !isGone(row)) unmanagedHostnames += 1;
    return { unmanagedHostnames };
  }

  async #zone(found: CustomDomainClass, signal: AbortSignal): Promise<{ report: ZoneReport; ageMs: number }> {
    const { name, generation } = found.metadata;
    const token = this.#secrets.read(found.spec.cloudflare.apiTokenSecretRef);
    const basis = `${generation} ${token.kind === "value" ? token.version : token.kind}`;
    const known = this.#reports.get(name);
    const now = this.#clock.monotonic();
    const ageMs = known === undefined ? Number.POSITIVE_INFINITY : now - known.at;
    const limit = 0.8 * (known !== undefined && isHealthy(known.report) ? HEALTHY_MS : UNHEALTHY_MS);
    if (known !== undefined && known.basis === basis && ageMs < limit) return { report: known.report, ageMs };
    const report = await inspectZone(found, this.#providers.cloudflare(name), signal);
    this.#reports.set(name, { report, at: now, basis });
    return { report, ageMs: 0 };
  }

  #findings(found: CustomDomainClass, report: ZoneReport): Record<string, Finding | undefined> & { readonly Ready: Finding } {
    const defaults = [...this.#ledger.classes.store.list()].filter(({ spec }) => spec.default);
    const claims = this.#ledger.claims.store.byIndex("class", found.metadata.name);
    const credentials = report.credentials === "keep" ? this.#kept(found, "CredentialsValid") : report.credentials;
    const origin = report.fallbackOrigin === "keep" ? this.#kept(found, "FallbackOriginActive") : report.fallbackOrigin;
    const problem =
      deletionProblem(found, claims.length, this.#billedAccounts(found.metadata.name)) ??
      (found.spec.default && defaults.length > 1 ? MULTIPLE_DEFAULTS : undefined) ??
      signingKeyProblem(found, this.#secrets) ??
      billingKeyProblem(found, this.#secrets, this.#sites) ??
      [credentials, origin].find(({ status }) => status !== "True") ??
      releaseProblem(claims, this.#progress) ??
      orphanProblem(claims);
    const ready: Finding =
      problem === undefined
        ? { status: "True", reason: "Available", message: "The class serves domains." }
        : { ...problem, status: "False" };
    return {
      Ready: ready,
      CredentialsValid: credentials,
      FallbackOriginActive: origin,
      ProofReliable: proofFinding(claims),
      Reconciling: problem === undefined ? undefined : { ...problem, status: "True" },
    };
  }

  #kept(found: CustomDomainClass, type: string): Finding {
    const condition = findCondition(found.status?.conditions, type);
    // A condition's reason came from the same closed list when it was written.
    return condition === undefined
      ? { status: "Unknown", reason: "NotChecked", message: "Cloudflare could not be asked yet." }
      : (condition as Finding);
  }

  #announce(found: CustomDomainClass, ready: Finding): void {
    const before = findCondition(found.status?.conditions, "Ready");
    if (before?.status === ready.status && before.reason === ready.reason) return;
    this.#events.event(found, ready.status === "True" ? "Normal" : "Warning", ready.reason, "Reconcile", ready.message);
  }
}

function isHealthy({ credentials, fallbackOrigin }: ZoneReport): boolean {
  return [credentials, fallbackOrigin].every((finding) => finding !== "keep" && finding.status === "True");
}

const MULTIPLE_DEFAULTS: Finding = {
  status: "False",
  reason: "MultipleDefaults",
  message: "Several CustomDomainClasses say default: true: leave it on one of them.",
};
