import { Agent, request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readAuditLog } from "../control-plane/audit-log.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { installChart, RELEASE, renderChart } from "../tools/helm.ts";
import { auditRbac } from "./rbac-audit.ts";

const USER = `system:serviceaccount:${RELEASE.namespace}:custom-domain-operator`;
const OURS = "/apis/customdomains.dev/v1";
const HERE = `namespaces/${RELEASE.namespace}`;
const LEASES = `/apis/coordination.k8s.io/v1/${HERE}/leases`;
const EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";
/** The binaries may have to be built first. */
const SETUP_TIMEOUT = 20 * 60_000;

let controlPlane: ControlPlane;
let agent: Agent;
let token: string;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  await installChart(controlPlane.kubeconfig);
  agent = new Agent({ connect: { ca: controlPlane.caData } });
  token = await controlPlane.serviceAccountToken(RELEASE.namespace, "custom-domain-operator");
  const served = async () => (await as("GET", `${OURS}/customdomainroutes`)) === 200;
  await waitUntil("the kinds to be served and the role to be known", served, { timeoutMs: 30_000 });
}, SETUP_TIMEOUT);

afterAll(async () => {
  await agent.close();
  await controlPlane.stop();
});

/** The status of the API server's answer to the operator's ServiceAccount. */
async function as(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object): Promise<number> {
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const answer = await request(`${controlPlane.server}${path}`, {
    method,
    dispatcher: agent,
    headers: { authorization: `Bearer ${token}`, "content-type": type },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await answer.body.dump();
  return answer.statusCode;
}

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
  ["PATCH", `${OURS}/namespaces/default/customdomains/none`],
  ["PUT", `${OURS}/namespaces/default/customdomains/none/status`],
  ["POST", `${OURS}/domainclaims`],
  ["DELETE", `${OURS}/domainclaims/none.se`],
  ["PUT", `${OURS}/namespaces/default/billingaccounts/none/status`],
  ["PUT", `${OURS}/customdomainclasses/none/status`],
  ["GET", "/api/v1/namespaces?limit=1"],
  ["GET", secretsNamed("cloudflare")],
  ["GET", secretsNamed("domain-check", true)],
  ["POST", EVENTS],
  ["POST", LEASES],
  ["GET", `${LEASES}/custom-domain-operator`],
] as const;

const FORBIDDEN = [
  ["GET", `/api/v1/${HERE}/secrets`],
  ["GET", secretsNamed("other")],
  ["GET", secretsNamed("other", true)],
  ["GET", `/api/v1/${HERE}/secrets/cloudflare`],
  ["GET", "/api/v1/secrets"],
  ["GET", "/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dcloudflare"],
  ["PUT", `/api/v1/${HERE}/secrets/cloudflare`],
  ["GET", `${LEASES}/other`],
  ["PUT", `${LEASES}/other`],
  ["POST", "/apis/coordination.k8s.io/v1/namespaces/default/leases"],
  ["POST", `${OURS}/namespaces/default/customdomains`],
  ["PUT", `${OURS}/namespaces/default/customdomains/none`],
  ["DELETE", `${OURS}/namespaces/default/customdomains/none`],
  ["PATCH", `${OURS}/namespaces/default/customdomains/none/status`],
  ["GET", `${OURS}/namespaces/default/billingaccounts/none`],
  ["POST", `${OURS}/namespaces/default/billingaccounts`],
  ["POST", `${OURS}/customdomainclasses`],
  ["GET", EVENTS],
  ["POST", "/api/v1/namespaces/default/events"],
  ["GET", "/api/v1/nodes"],
  ["GET", "/api/v1/pods"],
  ["POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"],
] as const;

/** Bodies without a field that any of these kinds would need: what is allowed fails on them later, with another status than 403. */
const BODY = object("", "", "none", { spec: {} });

test("the operator is forbidden what it has no need of, and nothing else, and the audit of the log judges the same", async () => {
  const { offset } = await readAuditLog(controlPlane.auditLog);
  const statuses = async (requests: readonly (readonly ["GET" | "POST" | "PUT" | "PATCH" | "DELETE", string])[]) =>
    Promise.all(
      requests.map(async ([method, path]) => ({
        request: `${method} ${path}`,
        status: await as(method, path, method === "GET" || method === "DELETE" ? undefined : BODY),
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
