import type { GatewaySettings } from "../api/v1/custom-domain-class.ts";
import type { CustomDomainRoute } from "../api/v1/custom-domain-route.ts";
import { API_VERSION, CUSTOM_DOMAIN_ROUTES } from "../api/v1/group.ts";
import type { KubeObject } from "../kube/objects.ts";

export const HTTP_ROUTE_API_VERSION = "gateway.networking.k8s.io/v1";
/** On every HTTPRoute of ours: what is watched. A tenant who removes it only makes the operator look the object up. */
export const MANAGED_BY = { "app.kubernetes.io/managed-by": "custom-domain-operator" } as const;
/** A permanent redirect that keeps the method: the same answer as the operator's check expects of the twin. */
const REDIRECT_STATUS = 308;

export interface ParentStatus {
  readonly parentRef: { readonly name: string; readonly namespace?: string };
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
}

export interface HTTPRoute extends KubeObject<unknown, { readonly parents?: readonly ParentStatus[] }> {}

/** The HTTPRoute that sends requests for `hostname` to the route's Service. It goes with the CustomDomainRoute that owns it. */
export function renderRoute(route: CustomDomainRoute, hostname: string, gateway: GatewaySettings): HTTPRoute {
  const { path, backendRef } = route.spec;
  return rendered(route, route.metadata.name, hostname, gateway, {
    matches: [{ path: { type: "PathPrefix", value: path } }],
    backendRefs: [{ group: "", kind: "Service", name: backendRef.name, port: backendRef.port, weight: 1 }],
  });
}

/** The HTTPRoute that redirects the www twin to the domain. One route of a domain has it: see {@link isFirst}. */
export function renderRedirect(route: CustomDomainRoute, twin: string, hostname: string, gateway: GatewaySettings): HTTPRoute {
  return rendered(route, redirectName(route), twin, gateway, {
    matches: [{ path: { type: "PathPrefix", value: "/" } }],
    filters: [{ type: "RequestRedirect", requestRedirect: { hostname, statusCode: REDIRECT_STATUS } }],
  });
}

export function redirectName(route: CustomDomainRoute): string {
  return `${route.metadata.name.slice(0, 249)}-www`;
}

function rendered(
  route: CustomDomainRoute,
  name: string,
  hostname: string,
  { parentRef }: GatewaySettings,
  rule: Readonly<Record<string, unknown>>,
): HTTPRoute {
  const { namespace = "", uid = "" } = route.metadata;
  const owner = { apiVersion: API_VERSION, kind: CUSTOM_DOMAIN_ROUTES.kind, name: route.metadata.name, uid };
  return {
    apiVersion: HTTP_ROUTE_API_VERSION,
    kind: "HTTPRoute",
    metadata: {
      name,
      namespace,
      labels: MANAGED_BY,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", ...parentRef }],
      hostnames: [hostname],
      rules: [rule],
    },
  };
}

/** Whether an HTTPRoute is one that was rendered for this route, if only for a former object of its name (a restore). */
export function isRenderedFor(found: HTTPRoute, route: CustomDomainRoute): boolean {
  const owner = found.metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner?.apiVersion === API_VERSION && owner.kind === CUSTOM_DOMAIN_ROUTES.kind && owner.name === route.metadata.name;
}

/** Whether `found` says all that `wanted` says; members that the API server filled in are not compared. */
export function covers(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(found) && found.length === wanted.length && wanted.every((item, index) => covers(found[index], item));
  }
  if (typeof wanted !== "object" || wanted === null) return found === wanted;
  if (typeof found !== "object" || found === null) return false;
  const members = found as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([name, value]) => covers(members[name], value));
}

/** Of several routes of one domain the oldest, by name where two are of one age: Gateway API's own precedence. */
export function isFirst(route: CustomDomainRoute, others: readonly CustomDomainRoute[]): boolean {
  return others.every((other) => other.metadata.uid === route.metadata.uid || precedes(route, other));
}

function precedes(a: CustomDomainRoute, b: CustomDomainRoute): boolean {
  const [first, second] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  return first === second ? a.metadata.name < b.metadata.name : first < second;
}

/** What the Gateway says against the route, if anything; undefined also while it has said nothing. */
export function refusalOf({ status }: HTTPRoute, { parentRef }: GatewaySettings): string | undefined {
  const parents = (status?.parents ?? []).filter(({ parentRef: found }) => found.name === parentRef.name);
  const refused = parents.flatMap(({ conditions = [] }) => conditions).find((found) => found.status === "False");
  return refused === undefined ? undefined : refused.type;
}
