import { afterAll, beforeAll, expect, test } from "vitest";
import { readAuditLog } from "../control-plane/audit-log.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { installChart, RELEASE, renderChart } from "../tools/helm.ts";
import { auditRbac } from "./rbac-audit.ts";
import { type Method, ServiceAccountClient } from "./service-account-client.ts";

const USER = `system:serviceaccount:${RELEASE.namespace}:custom-domain-operator`;
const OURS = "/apis/customdomains.dev/v1";
const HERE = `namespaces/${RELEASE.namespace}`;
const LEASES = `/apis/coordination.k8s.io/v1/${HERE}/leases`;
const ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";
const EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";
/** The binaries may have to be built first. */
const SETUP_TIMEOUT = 20 * 60_000;

let controlPlane: ControlPlane;
let client: ServiceAccountClient;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  await installChart(controlPlane.kubeconfig);
  client = await ServiceAccountClient.of(controlPlane, RELEASE.namespace, "custom-domain-operator");
  const served = async () => (await client.request("GET", `${OURS}/customdomainroutes`)).status === 200;
  await waitUntil("the kinds to be served and the role to be known", served, { timeoutMs: 30_000 });
}, SETUP_TIMEOUT);

afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await controlPlane.stop();
});

function object(apiVersion: string, kind: string, name: string, more: object = {}): object {
  return { apiVersion, kind, metadata: { name }, ...more };
}

function secretsNamed(name: string, watch = false): string {
  return `/api/v1/${HERE}/secrets?fieldSelector=metadata.name%3D${name}${watch ? "&watch=true&timeoutSeconds=1" : ""}`;
}

/** Requests that have no effect, or one that matters to nobody: what counts is whether they are forbidden. */
const ALLOWED = [
  ["GET", `${OURS}/customdomains?limit=1`],
  ["GET", `${OURS}/namespaces/default/customdomains/none`],
  ["PUT", `${OURS}/namespaces/default/customdomains/none`],
  ["PATCH", `${OURS}/namespaces/default/customdomains/none`],
  ["PUT", `${OURS}/namespaces/default/customdomains/none/status`],
  ["POST", `${OURS}/domainclaims`],
  ["DELETE", `${OURS}/domainclaims/none.se`],
  ["GET", `${OURS}/namespaces/default/billingaccounts/none`],
  ["PUT", `${OURS}/namespaces/default/billingaccounts/none/status`],
  ["GET", `${OURS}/customdomainclasses/none`],
  ["PUT", `${OURS}/customdomainclasses/none/status`],
  ["GET", `${OURS}/namespaces/default/customdomainroutes/none`],
  ["PATCH", `${OURS}/namespaces/default/customdomainroutes/none`],
  ["DELETE", `${OURS}/namespaces/default/customdomainroutes/none`],
  ["PUT", `${OURS}/namespaces/default/customdomainroutes/none/status`],
  ["GET", `${ROUTES}?limit=1`],
  ["POST", ROUTES],
  ["PUT", `${ROUTES}/none`],
  ["DELETE", `${ROUTES}/none`],
  ["GET", "/api/v1/namespaces?limit=1"],
  ["GET", secretsNamed("cloudflare")],
  ["GET", secretsNamed("domain-check", true)],
  ["POST", EVENTS],
  ["POST", LEASES],
  ["GET", `${LEASES}/custom-domain-operator`],
  ["GET", `${LEASES}?fieldSelector=metadata.name%3Dcustom-domain-operator`],
  ["GET", `${LEASES}?fieldSelector=metadata.name%3Dcustom-domain-operator&watch=true&timeoutSeconds=1`],
] as const;

const FORBIDDEN = [
  ["GET", `/api/v1/${HERE}/secrets`],
  ["GET", secretsNamed("other")],
  ["GET", secretsNamed("other", true)],
  ["GET", `/api/v1/${HERE}/secrets/cloudflare`],
  ["GET", "/api/v1/secrets"],
  ["GET", "/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dcloudflare"],
  ["PUT", `/api/v1/${HERE}/secrets/cloudflare`],
  ["GET", LEASES],
  ["GET", `${LEASES}/other`],
  ["GET", `${LEASES}?fieldSelector=metadata.name%3Dother`],
  ["PUT", `${LEASES}/other`],
  ["POST", "/apis/coordination.k8s.io/v1/namespaces/default/leases"],
  ["POST", `${OURS}/namespaces/default/customdomains`],
  ["DELETE", `${OURS}/namespaces/default/customdomains/none`],
  ["PATCH", `${OURS}/namespaces/default/customdomains/none/status`],
  ["POST", `${OURS}/namespaces/default/billingaccounts`],
  ["DELETE", `${OURS}/namespaces/default/billingaccounts/none`],
  ["POST", `${OURS}/customdomainclasses`],
  ["DELETE", `${OURS}/customdomainclasses/none`],
  ["POST", `${OURS}/namespaces/default/customdomainroutes`],
  ["PUT", `${OURS}/namespaces/default/customdomainroutes/none`],
  ["PATCH", `${ROUTES}/none`],
  ["PUT", `${ROUTES}/none/status`],
  ["GET", "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways"],
  ["GET", EVENTS],
  ["POST", "/api/v1/namespaces/default/events"],
  ["GET", "/api/v1/nodes"],
  ["GET", "/api/v1/pods"],
  ["POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"],
  ["DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/custom-domain-operator-gateways"],
] as const;

/** Bodies without a field that any of these kinds would need: what is allowed fails on them later, with another status than 403. */
const BODY = object("", "", "none", { spec: {} });

test("the operator is forbidden what it has no need of, and nothing else, and the audit of the log judges the same", async () => {
  const { offset } = await readAuditLog(controlPlane.auditLog);
  const statuses = async (requests: readonly (readonly [Method, string])[]) =>
    Promise.all(
      requests.map(async ([method, path]) => ({
        request: `${method} ${path}`,
        status: (await client.request(method, path, method === "GET" || method === "DELETE" ? undefined : BODY)).status,
      })),
    );
  const [allowed, forbidden] = await Promise.all([statuses(ALLOWED), statuses(FORBIDDEN)]);
  expect(allowed.filter(({ status }) => status === 403)).toEqual([]);
  expect(forbidden.filter(({ status }) => status !== 403)).toEqual([]);

  const all = ALLOWED.length + FORBIDDEN.length;
  const events = await waitUntil(
    "every request to stand in the audit log",
    async () => {
      const part = await readAuditLog(controlPlane.auditLog, {
        offset,
        where: ({ user, stage }) => user.username === USER && stage === "ResponseComplete",
      });
      return part.events.length === all && part.events;
    },
    { timeoutMs: 10_000 },
  );
  const manifests = await renderChart();
  const misjudged = events.filter((event) => {
    const violates = auditRbac([event], manifests, USER).violations.length > 0;
    return violates !== (event.responseStatus?.code === 403);
  });
  expect(misjudged).toEqual([]);
});
