import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainRoute, CustomDomainRouteStatus } from "../../api/v1/custom-domain-route.ts";
import { API_VERSION, CUSTOM_DOMAINS } from "../../api/v1/group.ts";
import { conditionsOf, differs, type Finding } from "../../core/conditions.ts";
import { isStale } from "../../kube/api-error.ts";
import { keyOf, type ObjectKey, type OwnerReference } from "../../kube/objects.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type ReconcileResult, type Reconciler, TryAgain } from "../../runtime/controller.ts";
import type { Ledger } from "../ledger.ts";
import { planRoute, programme } from "./programme.ts";

/** For what no watch tells of: an HTTPRoute of somebody else that is in the way, a policy, the Gateway API that was installed. */
const LOOK_AGAIN_MS = 60_000;

/**
 * Ties a route to its CustomDomain (the owner reference makes the garbage collector remove the route with the domain, also while
 * this operator is down), renders it to HTTPRoutes while the domain is verified, and says in status what came of it.
 */
export class CustomDomainRouteReconciler implements Reconciler {
  readonly #ledger: Ledger;
  readonly #clock: Clock;

  constructor(options: { readonly ledger: Ledger; readonly clock: Clock }) {
    this.#ledger = options.ledger;
    this.#clock = options.clock;
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const route = this.#ledger.routes.get(key);
    if (route === undefined || route.metadata.deletionTimestamp !== undefined) return {};
    const domain = this.#ledger.domains.get(`${route.metadata.namespace}/${route.spec.domainRef.name}`);
    try {
      const owned = domain === undefined ? route : await this.#own(route, domain, signal);
      const finding = await programme(owned, planRoute(owned, domain, this.#ledger), this.#ledger, signal);
      await this.#report(owned, domain, finding, signal);
      return finding.status === "True" || finding.reason === "DomainNotVerified" ? {} : { requeueAfterMs: LOOK_AGAIN_MS };
    } catch (error) {
      if (isStale(error)) throw new TryAgain("the route was written meanwhile");
      throw error;
    }
  }

  /** A domain of the same name that was created later is another owner: the old reference is replaced. */
  async #own(route: CustomDomainRoute, domain: CustomDomain, signal: AbortSignal): Promise<CustomDomainRoute> {
    const { name, uid = "" } = domain.metadata;
    const references = route.metadata.ownerReferences ?? [];
    if (references.some((reference) => reference.uid === uid)) return route;
    const reference: OwnerReference = {
      apiVersion: API_VERSION,
      kind: CUSTOM_DOMAINS.kind,
      name,
      uid,
      controller: true,
      blockOwnerDeletion: true,
    };
    const others = references.filter((other) => other.kind !== CUSTOM_DOMAINS.kind && other.controller !== true);
    return this.#ledger.routes.patchMetadata(route, { ownerReferences: [...others, reference] }, signal);
  }

  async #report(
    route: CustomDomainRoute,
    domain: CustomDomain | undefined,
    programmed: Finding,
    signal: AbortSignal,
  ): Promise<void> {
    const reconciling: Finding | undefined = programmed.status === "True" ? undefined : { ...programmed, status: "True" };
    const generation = route.metadata.generation ?? 0;
    const findings = { Ready: programmed, Programmed: programmed, Reconciling: reconciling };
    const name = domain?.status?.domain;
    const status: CustomDomainRouteStatus = {
      observedGeneration: generation,
      ...(name === undefined ? {} : { domain: name }),
      ...(programmed.status === "True" ? { httpRoute: keyOf(route) } : {}),
      conditions: conditionsOf(route.status?.conditions ?? [], findings, generation, this.#clock.now()),
    };
    if (differs(route.status, status)) await this.#ledger.routes.replaceStatus(route, status, signal);
  }
}
