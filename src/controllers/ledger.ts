import type { BillingAccount } from "../api/v1/billing-account.ts";
import type { CustomDomain } from "../api/v1/custom-domain.ts";
import type { CustomDomainClass } from "../api/v1/custom-domain-class.ts";
import type { CustomDomainRoute } from "../api/v1/custom-domain-route.ts";
import type { DomainClaim } from "../api/v1/domain-claim.ts";
import {
  BILLING_ACCOUNTS,
  CUSTOM_DOMAIN_CLASSES,
  CUSTOM_DOMAIN_ROUTES,
  CUSTOM_DOMAINS,
  DOMAIN_CLAIMS,
  LABEL_ID,
  LABEL_TENANT,
} from "../api/v1/group.ts";
import type { SecretKeyRef } from "../api/v1/secret-key-ref.ts";
import { possibleNamesOf } from "../core/hostname.ts";
import type { HTTPRoute } from "../core/http-route.ts";
import type { KubeClient } from "../kube/client.ts";
import { Collection } from "../kube/collection.ts";
import type { KubeObject, ResourceDefinition } from "../kube/objects.ts";
import { Store } from "../kube/store.ts";
import { TryAgain } from "../runtime/controller.ts";
import { billingAccountIndexers, domainClaimBillingIndexers } from "./billing-account/kube-ports.ts";
import { customDomainProjection, projectNamespace } from "./projections.ts";

export const HTTP_ROUTES: ResourceDefinition = {
  group: "gateway.networking.k8s.io",
  version: "v1",
  kind: "HTTPRoute",
  plural: "httproutes",
  namespaced: true,
};
const UNKNOWN_NAMESPACE_MS = 1_000;
const NAMESPACES: ResourceDefinition = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };

/** Everything the controllers read, as caches with the indexes they need, and the way to write it. */
export interface Ledger {
  readonly domains: Collection<CustomDomain>;
  readonly claims: Collection<DomainClaim>;
  readonly accounts: Collection<BillingAccount>;
  readonly classes: Collection<CustomDomainClass>;
  readonly routes: Collection<CustomDomainRoute>;
  readonly namespaces: Collection<KubeObject>;
  /** Only ours, by their label; absent where the cluster has no Gateway API. */
  readonly httpRoutes: Collection<HTTPRoute>;
}

export function createLedger(client: KubeClient): Ledger {
  const collection = <T extends KubeObject>(
    resource: ResourceDefinition,
    store: Store<T>,
    project?: (object: T) => T,
  ): Collection<T> => new Collection({ resource, store, client, ...(project === undefined ? {} : { project }) });
  return {
    domains: collection<CustomDomain>(
      CUSTOM_DOMAINS,
      new Store({
        domain: possibleNames,
        class: (domain) => [domain.status?.className ?? domain.spec.className ?? ""],
        namespace: (domain) => [domain.metadata.namespace ?? ""],
        id: (domain) => [...new Set([domain.status?.id ?? "", domain.metadata.labels?.[LABEL_ID] ?? ""])],
      }),
      customDomainProjection(),
    ),
    claims: collection<DomainClaim>(
      DOMAIN_CLAIMS,
      new Store({
        class: (claim) => [claim.spec.className ?? ""],
        holder: (claim) => [holderKey(claim)],
        account: (claim) => [`${claim.spec.holder?.namespace ?? ""}/${claim.spec.className ?? ""}`],
        id: (claim) => [claim.spec.id ?? ""],
        row: (claim) => claim.spec.rows.map(({ id }) => id),
        ...domainClaimBillingIndexers,
      }),
    ),
    accounts: collection<BillingAccount>(
      BILLING_ACCOUNTS,
      new Store({ class: (account) => [account.metadata.name], ...billingAccountIndexers }),
    ),
    classes: collection<CustomDomainClass>(
      CUSTOM_DOMAIN_CLASSES,
      new Store({ secret: (found) => secretRefsOf(found).map(({ name }) => name) }),
    ),
    routes: collection<CustomDomainRoute>(
      CUSTOM_DOMAIN_ROUTES,
      new Store({ domain: (route) => [`${route.metadata.namespace}/${route.spec.domainRef.name}`] }),
    ),
    namespaces: collection(NAMESPACES, new Store(), projectNamespace),
    httpRoutes: collection<HTTPRoute>(HTTP_ROUTES, new Store()),
  };
}

/** The collections in the order in which caches are filled. */
export function collectionsOf(ledger: Ledger): readonly Collection<KubeObject>[] {
  return Object.values(ledger);
}

/**
 * The tenant of a namespace: its admin-only label, else its name. Undefined while the cache has not seen the namespace: whose it
 * is cannot be told from its name then.
 */
export function knownTenant(ledger: Ledger, namespace: string): string | undefined {
  const found = ledger.namespaces.get(namespace);
  if (found === undefined) return undefined;
  const label = found.metadata.labels?.[LABEL_TENANT] ?? "";
  return label === "" ? namespace : label;
}

/** {@link knownTenant} of the namespace of an object that is decided about: nothing is, before it is known. */
export function tenantOf(ledger: Ledger, namespace: string): string {
  const tenant = knownTenant(ledger, namespace);
  if (tenant === undefined) throw new TryAgain(`namespace ${namespace} is not known yet`, UNKNOWN_NAMESPACE_MS);
  return tenant;
}

export function isTerminating(ledger: Ledger, namespace: string): boolean {
  return ledger.namespaces.get(namespace)?.metadata.deletionTimestamp !== undefined;
}

/** `namespace/name` of the holder, "" when there is none. */
export function holderKey(claim: DomainClaim): string {
  const { holder } = claim.spec;
  return holder === undefined ? "" : `${holder.namespace}/${holder.name}`;
}

/**
 * Every canonical name that this domain may stand for, before its class is known: folded and not. The claim decides; the
 * index only has to find everyone who may be concerned by a claim.
 */
export function possibleNames(domain: CustomDomain): string[] {
  // As written too: what the pipeline cannot read is refused, but not forgotten.
  const names = new Set([domain.spec.domain.trim().toLowerCase(), ...possibleNamesOf(domain.spec.domain)]);
  if (domain.status?.domain !== undefined) names.add(domain.status.domain);
  return [...names];
}

/** The Secrets that a class takes its credentials from. */
export function secretRefsOf({ spec }: CustomDomainClass): readonly SecretKeyRef[] {
  const refs = [spec.cloudflare.apiTokenSecretRef, spec.billing.chargebee?.apiKeySecretRef, spec.check.signingKeySecretRef];
  return refs.filter((ref) => ref !== undefined);
}
