import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { GatewaySettings } from "../../api/v1/custom-domain-class.ts";
import type { CustomDomainRoute } from "../../api/v1/custom-domain-route.ts";
import type { Finding } from "../../core/conditions.ts";
import {
  covers,
  type HTTPRoute,
  isFirst,
  isRenderedFor,
  redirectName,
  refusalOf,
  renderRedirect,
  renderRoute,
} from "../../core/http-route.ts";
import { ApiError } from "../../kube/api-error.ts";
import { keyOf } from "../../kube/objects.ts";
import type { Ledger } from "../ledger.ts";

/** What is to be in place for a route: HTTPRoutes, or none and why. */
export type Plan =
  | { readonly kind: "serve"; readonly gateway: GatewaySettings; readonly hostname: string; readonly twin: string | undefined }
  | { readonly kind: "withdraw"; readonly finding: Finding };

/** Decides from what is known of the domain. Ownership comes first: nothing is routed for a domain that is not verified (W5). */
export function planRoute(route: CustomDomainRoute, domain: CustomDomain | undefined, ledger: Ledger): Plan {
  const name = route.spec.domainRef.name;
  if (domain === undefined || domain.metadata.deletionTimestamp !== undefined)
    return withdraw("DomainNotFound", `CustomDomain ${name} does not exist in this namespace: create it.`);
  const hostname = domain.status?.domain;
  if (domain.status?.verified !== true || hostname === undefined)
    return withdraw("DomainNotVerified", `CustomDomain ${name} is not live yet: see its status for what is missing.`);
  const gateway = ledger.classes.get(domain.status.className ?? "")?.spec.gateway;
  if (gateway === undefined)
    return withdraw("NoGateway", `The class of CustomDomain ${name} names no Gateway: requests are routed by other means.`);
  if (ledger.httpRoutes.store.absent)
    return withdraw(
      "NoGateway",
      "The cluster does not serve HTTPRoutes (gateway.networking.k8s.io/v1): install the Gateway API.",
    );
  const siblings = ledger.routes.store.byIndex("domain", keyOf(domain));
  const { path } = route.spec;
  const same = siblings.filter((other) => other.spec.path === path && other.metadata.deletionTimestamp === undefined);
  if (!isFirst(route, same)) {
    const message = `An older CustomDomainRoute of ${name} has the path ${path}: change one of the two.`;
    return withdraw("DuplicatePath", message);
  }
  const living = siblings.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const twin = domain.status.hostnames?.find(({ role }) => role === "Redirect")?.hostname;
  return { kind: "serve", gateway, hostname, twin: isFirst(route, living) ? twin : undefined };
}

/** Makes the HTTPRoutes of a route what the plan says, and tells what came of it. An HTTPRoute that is not ours is never touched. */
export async function programme(route: CustomDomainRoute, plan: Plan, ledger: Ledger, signal: AbortSignal): Promise<Finding> {
  const redirectKey = `${route.metadata.namespace}/${redirectName(route)}`;
  if (plan.kind === "withdraw") {
    if (!ledger.httpRoutes.store.absent) for (const key of [keyOf(route), redirectKey]) await remove(key, route, ledger, signal);
    return plan.finding;
  }
  const { gateway, hostname, twin } = plan;
  const served = await ensure(renderRoute(route, hostname, gateway), route, ledger, signal);
  if (twin === undefined) await remove(redirectKey, route, ledger, signal);
  const redirect = twin === undefined ? undefined : renderRedirect(route, twin, hostname, gateway);
  const redirected = redirect === undefined ? served : await ensure(redirect, route, ledger, signal);
  for (const outcome of [served, redirected]) if (outcome.kind === "failed") return outcome.finding;
  const refusal = served.kind === "inPlace" ? refusalOf(served.found, gateway) : undefined;
  const { name, namespace } = gateway.parentRef;
  if (refusal !== undefined) {
    const message = `Gateway ${namespace}/${name} does not accept the HTTPRoute (${refusal} is False): see the HTTPRoute's status.`;
    return { status: "False", reason: "GatewayRefused", message };
  }
  return {
    status: "True",
    reason: "Programmed",
    message: `HTTPRoute ${route.metadata.name} is attached to Gateway ${namespace}/${name}.`,
  };
}

type Ensured = { readonly kind: "inPlace"; readonly found: HTTPRoute } | { readonly kind: "failed"; readonly finding: Finding };

async function ensure(wanted: HTTPRoute, route: CustomDomainRoute, ledger: Ledger, signal: AbortSignal): Promise<Ensured> {
  const found = await lookUp(keyOf(wanted), ledger, signal);
  try {
    if (found === undefined) return { kind: "inPlace", found: await ledger.httpRoutes.create(wanted, signal) };
    if (!isRenderedFor(found, route)) {
      const message = `An HTTPRoute ${wanted.metadata.name} exists that the operator has not made: rename or delete it.`;
      return { kind: "failed", finding: { status: "False", reason: "HTTPRouteConflict", message } };
    }
    if (covers(found.spec, wanted.spec) && covers(found.metadata, wanted.metadata)) return { kind: "inPlace", found };
    const labels = { ...found.metadata.labels, ...wanted.metadata.labels };
    const { ownerReferences = [] } = wanted.metadata;
    const metadata = { ...found.metadata, labels, ownerReferences };
    return { kind: "inPlace", found: await ledger.httpRoutes.replace({ ...found, metadata, spec: wanted.spec }, signal) };
  } catch (error) {
    if (!(error instanceof ApiError) || ![403, 422].includes(error.status)) throw error;
    // A policy of the cluster, or a Gateway API from before the redirect status 308.
    const message = `The API server refuses HTTPRoute ${wanted.metadata.name}: ${error.body.message ?? error.reason}`;
    return { kind: "failed", finding: { status: "False", reason: "HTTPRouteRefused", message } };
  }
}

async function remove(key: string, route: CustomDomainRoute, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const found = await lookUp(key, ledger, signal);
  if (found !== undefined && isRenderedFor(found, route)) await ledger.httpRoutes.remove(found, signal);
}

/** Only HTTPRoutes with our label are cached: one without it may be anybody's. */
async function lookUp(key: string, ledger: Ledger, signal: AbortSignal): Promise<HTTPRoute | undefined> {
  const cached = ledger.httpRoutes.get(key);
  if (cached !== undefined) return cached;
  const live = await ledger.httpRoutes.live(key, signal);
  return live.kind === "present" ? live.object : undefined;
}

function withdraw(reason: Finding["reason"], message: string): Plan {
  return { kind: "withdraw", finding: { status: "False", reason, message } };
}
