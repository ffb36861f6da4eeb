import type { BillingAccount } from "./api/v1/billing-account.ts";
import type { CustomDomain } from "./api/v1/custom-domain.ts";
import type { CustomDomainClass } from "./api/v1/custom-domain-class.ts";
import type { CustomDomainRoute } from "./api/v1/custom-domain-route.ts";
import type { DomainClaim } from "./api/v1/domain-claim.ts";
import { CUSTOM_DOMAIN_ROUTES } from "./api/v1/group.ts";
import type { BillingTriggers } from "./controllers/billing-account/billing-triggers.ts";
import { holderKey, type Ledger } from "./controllers/ledger.ts";
import { differs, findCondition } from "./core/conditions.ts";
import type { HTTPRoute } from "./core/http-route.ts";
import { type KubeObject, keyOf } from "./kube/objects.ts";
import type { StoreChange } from "./kube/store.ts";
import type { Controller } from "./runtime/controller.ts";
import { Priority } from "./runtime/work-queue.ts";

export interface Controllers {
  readonly domains: Controller;
  readonly claims: Controller;
  readonly accounts: Controller;
  readonly classes: Controller;
  readonly routes: Controller;
}

/**
 * Which objects to reconcile when something changed: the one place that knows who depends on whom. Only keys are queued; what
 * to do is decided from what is there when their turn comes. An object's own status never queues it.
 */
export class Triggers {
  readonly #ledger: Ledger;
  readonly #controllers: Controllers;
  readonly #billing: BillingTriggers;

  constructor(options: { readonly ledger: Ledger; readonly controllers: Controllers; readonly billing: BillingTriggers }) {
    this.#ledger = options.ledger;
    this.#controllers = options.controllers;
    this.#billing = options.billing;
  }

  /** Begins to listen; to be called before the caches fill. */
  connect(): void {
    const { domains, claims, accounts, classes, routes, namespaces, httpRoutes } = this.#ledger;
    domains.store.onChange((change) => this.#domain(change));
    claims.store.onChange((change) => this.#claim(change));
    accounts.store.onChange((change) => this.#account(change));
    classes.store.onChange((change) => this.#class(change));
    routes.store.onChange((change) => this.#route(change));
    httpRoutes.store.onChange((change) => this.#httpRoute(change));
    namespaces.store.onChange((change) => this.#namespace(change));
  }

  /** A row of the zone snapshot is new, changed or gone. */
  hostnameChanged(hostname: string): void {
    for (const name of new Set([hostname, hostname.replace(/^www\./, "")])) {
      if (this.#ledger.claims.get(name)?.spec.state === "Released") this.#controllers.claims.queue.add(name);
      this.#domainsNamed(name, Priority.Live);
    }
  }

  secretChanged(name: string): void {
    for (const found of this.#ledger.classes.store.byIndex("secret", name)) {
      this.#controllers.classes.queue.add(found.metadata.name);
      this.#dependents(found.metadata.name);
    }
  }

  /** A release failed: the domain that waits for it may be handed off, and the class tells of it. */
  releaseFailed(claimName: string): void {
    const claim = this.#ledger.claims.get(claimName);
    if (claim === undefined) return;
    const holder = holderKey(claim);
    if (holder !== "") this.#controllers.domains.queue.add(holder);
    if (claim.spec.className !== undefined) this.#controllers.classes.queue.add(claim.spec.className, Priority.Low);
  }

  #domain({ key, before, after, initial }: StoreChange<CustomDomain>): void {
    const { domains, claims, routes } = this.#controllers;
    const priority = priorityOf(initial);
    if (wanted(before) !== wanted(after)) domains.queue.add(key, priority);
    const replaced = before?.metadata.uid !== after?.metadata.uid;
    if (before !== undefined && replaced) {
      for (const claim of this.#ledger.claims.store.byIndex("holder", key)) claims.queue.add(claim.metadata.name, priority);
      // Whoever waited for the name may have it now.
      if (before.status?.domain !== undefined) this.#domainsNamed(before.status.domain, priority);
    }
    const servable = (domain: CustomDomain | undefined): unknown => [
      domain?.metadata.uid,
      domain?.status?.verified,
      domain?.status?.className,
      domain?.status?.hostnames?.find(({ role }) => role === "Redirect")?.hostname,
    ];
    if (differs(servable(before), servable(after))) {
      for (const route of this.#ledger.routes.store.byIndex("domain", key)) routes.queue.add(keyOf(route), priority);
    }
  }

  #claim({ key, before, after, initial }: StoreChange<DomainClaim>): void {
    const { claims, classes, accounts, domains } = this.#controllers;
    const priority = priorityOf(initial);
    claims.queue.add(key, priority);
    // A proven www.<apex> and the apex's twin go before each other (design 0004).
    for (const name of [key, key.startsWith("www.") ? key.slice(4) : `www.${key}`]) this.#domainsNamed(name, priority);
    for (const claim of [before, after]) {
      if (claim?.spec.className !== undefined && before?.spec.state !== after?.spec.state)
        classes.queue.add(claim.spec.className, Priority.Low);
      if (claim !== undefined && holderKey(claim) !== "") domains.queue.add(holderKey(claim), priority);
    }
    for (const account of this.#billing.claimChanged(before, after)) accounts.queue.add(account, priority);
  }

  #account({ before, after, initial }: StoreChange<BillingAccount>): void {
    const priority = priorityOf(initial);
    for (const key of this.#billing.accountChanged(before, after)) this.#controllers.accounts.queue.add(key, priority);
    const known = after ?? before;
    if (known === undefined || !differs(coverage(before), coverage(after))) return;
    // A key that Chargebee refuses shows on the class.
    this.#controllers.classes.queue.add(known.metadata.name, Priority.Low);
    for (const domain of this.#ledger.domains.store.byIndex("namespace", known.metadata.namespace ?? "")) {
      if ((domain.status?.className ?? domain.spec.className) !== known.metadata.name) continue;
      const covered = findCondition(domain.status?.conditions, "BillingSynced")?.status === "True";
      // A change of quantity or an outage never touches the domains that are covered.
      if (!covered || differs(stalledReason(before), stalledReason(after)) || (before === undefined) !== (after === undefined)) {
        this.#controllers.domains.queue.add(keyOf(domain), Priority.Low);
      }
    }
  }

  #route({ key, before, after, initial }: StoreChange<CustomDomainRoute>): void {
    if (wanted(before) === wanted(after)) return;
    const { queue } = this.#controllers.routes;
    queue.add(key, priorityOf(initial));
    // Which route of a domain has the redirect, and which of two equal paths counts, is decided together.
    for (const route of [before, after]) {
      if (route === undefined) continue;
      const domain = `${route.metadata.namespace}/${route.spec.domainRef.name}`;
      for (const sibling of this.#ledger.routes.store.byIndex("domain", domain)) queue.add(keyOf(sibling), priorityOf(initial));
    }
  }

  /** What was rendered was changed, deleted, or answered by the Gateway. */
  #httpRoute({ before, after, initial }: StoreChange<HTTPRoute>): void {
    for (const found of [before, after]) {
      const owner = found?.metadata.ownerReferences?.find(({ kind }) => kind === CUSTOM_DOMAIN_ROUTES.kind);
      if (owner === undefined) continue;
      const key = `${found?.metadata.namespace}/${owner.name}`;
      if (this.#ledger.routes.get(key) !== undefined) this.#controllers.routes.queue.add(key, priorityOf(initial));
    }
  }

  #class({ key, before, after, initial }: StoreChange<CustomDomainClass>): void {
    const priority = priorityOf(initial);
    if (wanted(before) !== wanted(after)) {
      this.#controllers.classes.queue.add(key, priority);
      // Being the default is decided together.
      if (before?.spec.default === true || after?.spec.default === true) {
        for (const other of this.#ledger.classes.store.list())
          this.#controllers.classes.queue.add(other.metadata.name, Priority.Low);
      }
      this.#dependents(key);
    } else if (differs(readiness(before), readiness(after))) this.#dependents(key);
  }

  #namespace({ key, before, after, initial }: StoreChange<KubeObject>): void {
    const relevant = (namespace: KubeObject | undefined): unknown => [
      namespace?.metadata.labels,
      namespace?.metadata.deletionTimestamp,
    ];
    if (!differs(relevant(before), relevant(after))) return;
    for (const domain of this.#ledger.domains.store.byIndex("namespace", key))
      this.#controllers.domains.queue.add(keyOf(domain), priorityOf(initial));
    for (const account of this.#ledger.accounts.store.list()) {
      if (account.metadata.namespace === key) this.#controllers.accounts.queue.add(keyOf(account), priorityOf(initial));
    }
  }

  /** Everything that a class decides for; one at a time among all the namespaces. */
  #dependents(className: string): void {
    const { domains, claims, accounts, routes } = this.#controllers;
    for (const index of [className, ""]) {
      for (const domain of this.#ledger.domains.store.byIndex("class", index)) domains.queue.add(keyOf(domain), Priority.Low);
    }
    for (const claim of this.#ledger.claims.store.byIndex("class", className)) {
      if (claim.spec.state === "Releasing") claims.queue.add(claim.metadata.name, Priority.Low);
    }
    for (const account of this.#ledger.accounts.store.byIndex("class", className))
      accounts.queue.add(keyOf(account), Priority.Low);
    for (const domain of this.#ledger.domains.store.byIndex("class", className)) {
      for (const route of this.#ledger.routes.store.byIndex("domain", keyOf(domain)))
        routes.queue.add(keyOf(route), Priority.Low);
    }
  }

  #domainsNamed(name: string, priority: Priority): void {
    for (const domain of this.#ledger.domains.store.byIndex("domain", name))
      this.#controllers.domains.queue.add(keyOf(domain), priority);
  }
}

function priorityOf(initial: boolean): Priority {
  return initial ? Priority.Low : Priority.Live;
}

/** What people (and admission) say of an object, as opposed to what the operator writes into its status. */
function wanted(object: KubeObject | undefined): string {
  if (object === undefined) return "";
  const { uid, generation, deletionTimestamp, annotations, labels, finalizers, ownerReferences } = object.metadata;
  return JSON.stringify([uid, generation, deletionTimestamp, annotations, labels, finalizers, ownerReferences]);
}

function coverage(account: BillingAccount | undefined): unknown {
  const synced = findCondition(account?.status?.conditions, "Synced")?.status;
  return [account?.metadata.uid, synced, synced === "True" ? account?.status?.lastSyncedTime : undefined, stalledReason(account)];
}

function stalledReason(account: BillingAccount | undefined): string | undefined {
  return findCondition(account?.status?.conditions, "Stalled")?.reason;
}

function readiness(found: CustomDomainClass | undefined): unknown {
  return ["Ready", "CredentialsValid", "FallbackOriginActive"].map(
    (type) => findCondition(found?.status?.conditions, type)?.status,
  );
}
