import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainRoute, CustomDomainRouteStatus } from "../../api/v1/custom-domain-route.ts";
import { API_VERSION, CUSTOM_DOMAINS } from "../../api/v1/group.ts";
import { conditionsOf, differs, type Finding } from "../../core/conditions.ts";
import { isStale } from "../../kube/api-error.ts";
import type { ObjectKey, OwnerReference } from "../../kube/objects.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type ReconcileResult, type Reconciler, TryAgain } from "../../runtime/controller.ts";
import type { Ledger } from "../ledger.ts";

/**
 * Ties a route to its CustomDomain: the owner reference makes the garbage collector remove the route with the domain, also
 * while this operator is down. Says in status whether the route can serve.
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
      await this.#report(owned, domain, signal);
      return {};
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

  async #report(route: CustomDomainRoute, domain: CustomDomain | undefined, signal: AbortSignal): Promise<void> {
    const programmed = this.#programmed(route, domain);
    const ready: Finding = programmed;
    const reconciling: Finding | undefined = programmed.status === "True" ? undefined : { ...programmed, status: "True" };
    const generation = route.metadata.generation ?? 0;
    const findings = { Ready: ready, Programmed: programmed, Reconciling: reconciling };
    const name = domain?.status?.domain;
    const status: CustomDomainRouteStatus = {
      observedGeneration: generation,
      ...(name === undefined ? {} : { domain: name }),
      conditions: conditionsOf(route.status?.conditions ?? [], findings, generation, this.#clock.now()),
    };
    if (differs(route.status, status)) await this.#ledger.routes.replaceStatus(route, status, signal);
  }

  #programmed(route: CustomDomainRoute, domain: CustomDomain | undefined): Finding {
    const name = route.spec.domainRef.name;
    if (domain === undefined) {
      return {
        status: "False",
        reason: "DomainNotFound",
        message: `CustomDomain ${name} does not exist in this namespace: create it.`,
      };
    }
    if (domain.status?.verified !== true) {
      return {
        status: "False",
        reason: "DomainNotVerified",
        message: `CustomDomain ${name} is not live yet: see its status for what is missing.`,
      };
    }
    const gateway = this.#ledger.classes.get(domain.status.className ?? "")?.spec.gateway;
    if (gateway === undefined) {
      return {
        status: "False",
        reason: "NoGateway",
        message: `The class of CustomDomain ${name} names no Gateway: requests are routed by other means.`,
      };
    }
    // HTTPRoutes are not rendered by this version: nothing may claim that one is in place.
    return { status: "False", reason: "NoGateway", message: "This version of the operator does not render HTTPRoutes." };
  }
}
