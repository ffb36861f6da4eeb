import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { pathOf } from "../harness/paths.ts";
import { gatewayApiCrds } from "../tools/gateway-api.ts";
import { installChart, RELEASE, renderChart } from "../tools/helm.ts";
import { type Answer, ServiceAccountClient } from "./service-account-client.ts";

/**
 * Admission asks for rights that no request of the operator shows: before an owner reference is set, the API server asks itself whether the
 * user may delete what is owned, and set finalizers on an owner whose deletion the reference blocks. So each such right is shown here to be
 * needed, by a ServiceAccount that has all the operator's rights but this one.
 */
const OURS = "customdomains.dev/v1";
const GATEWAY_API = "gateway.networking.k8s.io/v1";
const TENANT = "lindqvist";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
/** The binaries may have to be built first. */
const SETUP_TIMEOUT = 20 * 60_000;

let controlPlane: ControlPlane;
let domain: { readonly name: string; readonly uid: string };

beforeAll(async () => {
  controlPlane = await startControlPlane();
  await installChart(controlPlane.kubeconfig);
  for (const { apiVersion, kind, metadata, spec } of await gatewayApiCrds()) {
    const { name, annotations } = metadata;
    await create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      apiVersion,
      kind,
      metadata: { name, annotations },
      spec,
    });
  }
  for (const path of [`/apis/${OURS}/customdomains`, `/apis/${GATEWAY_API}/httproutes`]) {
    const served = async () => (await controlPlane.request("GET", path)).status === 200;
    await waitUntil(`${path} to be served`, served, { timeoutMs: 30_000 });
  }
  await create("/api/v1/namespaces", { metadata: { name: TENANT } });
  const spec = { domain: "shop.lindqvistkeramik.se" };
  domain = await createOurs("CustomDomain", "customdomains", "shop", spec);
}, SETUP_TIMEOUT);

afterAll(() => controlPlane.stop());

/** As administrator. */
async function create(path: string, body: object): Promise<{ readonly name: string; readonly uid: string }> {
  const answer = await controlPlane.request("POST", path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return z.object({ metadata: z.object({ name: z.string(), uid: z.string() }) }).parse(answer.body).metadata;
}

function createOurs(kind: string, plural: string, name: string, spec: object) {
  const object = { apiVersion: OURS, kind, metadata: { name }, spec };
  return create(`/apis/${OURS}/namespaces/${TENANT}/${plural}`, object);
}

interface Right {
  readonly verb: string;
  readonly resource: string;
}

const ruleSchema = z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) });

/** The operator's ClusterRole as the chart renders it, without one right. */
async function rulesWithout(right: Right | undefined) {
  const role = (await renderChart()).find(({ kind, metadata }) => kind === "ClusterRole" && metadata.name === RELEASE.name);
  const { rules } = z.object({ rules: z.array(ruleSchema) }).parse(role);
  const single = rules.flatMap(({ apiGroups, resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => ({ apiGroups, resources: [resource], verbs: [verb] }))),
  );
  const kept = single.filter(({ resources, verbs }) => !(resources[0] === right?.resource && verbs[0] === right?.verb));
  expect(single.length - kept.length).toBe(right === undefined ? 0 : 1);
  return kept;
}

/** A ServiceAccount with the operator's rights, but for one. */
async function operatorWithout(right: Right | undefined, name: string): Promise<ServiceAccountClient> {
  await create(`/api/v1/namespaces/${RELEASE.namespace}/serviceaccounts`, { metadata: { name } });
  await create(`${RBAC}/clusterroles`, { metadata: { name }, rules: await rulesWithout(right) });
  await create(`${RBAC}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", name, namespace: RELEASE.namespace }],
  });
  const client = await ServiceAccountClient.of(controlPlane, RELEASE.namespace, name);
  const known = async () => (await client.request("GET", `/apis/${OURS}/customdomainroutes`)).status === 200;
  await waitUntil("the role to be known", known, { timeoutMs: 30_000 });
  return client;
}

const reference = (kind: string, owner: { readonly name: string; readonly uid: string }) => ({
  apiVersion: OURS,
  kind,
  name: owner.name,
  uid: owner.uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** What the operator does with each route: it makes the domain its owner, and the route the owner of an HTTPRoute. */
async function ownAndRender(
  client: ServiceAccountClient,
  name: string,
): Promise<{ readonly own: Answer; readonly render: Answer }> {
  const spec = { domainRef: { name: domain.name }, backendRef: { name: "web", port: 80 } };
  const route = await createOurs("CustomDomainRoute", "customdomainroutes", name, spec);
  const metadata = { name, namespace: TENANT };
  const path = pathOf({ apiVersion: OURS, kind: "CustomDomainRoute", metadata });
  const own = await client.request("PATCH", path, { metadata: { ownerReferences: [reference("CustomDomain", domain)] } });
  const render = await client.request("POST", `/apis/${GATEWAY_API}/namespaces/${TENANT}/httproutes`, {
    apiVersion: GATEWAY_API,
    kind: "HTTPRoute",
    metadata: { name, ownerReferences: [reference("CustomDomainRoute", route)] },
    spec: { hostnames: ["shop.lindqvistkeramik.se"] },
  });
  return { own, render };
}

const UNDELETABLE = "cannot set an ownerRef on a resource you can't delete";
const UNFINALIZED = "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on";

describe("with owner references enforced, as some clusters have it", () => {
  test("the operator's rights suffice", async () => {
    await using client = await operatorWithout(undefined, "complete");
    const { own, render } = await ownAndRender(client, "complete");
    expect({ own, render }).toEqual({ own: { status: 200, message: "" }, render: { status: 201, message: "" } });
  });

  test.each([
    ["delete", "customdomainroutes", "own", UNDELETABLE],
    ["update", "customdomains/finalizers", "own", UNFINALIZED],
    ["update", "customdomainroutes/finalizers", "render", UNFINALIZED],
  ] as const)("without `%s %s` it may not %s", async (verb, resource, act, why) => {
    const name = `no-${verb}-${resource.replace("/", "-")}`;
    await using client = await operatorWithout({ verb, resource }, name);
    const answers = await ownAndRender(client, name);
    expect(answers[act]).toEqual({ status: 403, message: expect.stringContaining(why) });
    const others = Object.entries(answers).filter(([done]) => done !== act);
    expect(others.map(([, { status }]) => status).filter((status) => status >= 300)).toEqual([]);
  });
});
