import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AuditEvent, isWrite, readAuditLog } from "./audit-log.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { waitUntil } from "./wait-until.ts";

/** A first build of the binaries takes minutes; after that this is never reached. */
const START_MS = 30 * 60_000;
const TEST_MS = 60_000;
const GROUP = "/apis/customdomains.dev/v1";

let controlPlane: ControlPlane;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  await created("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition());
  const discovered = async () => (await controlPlane.request("GET", `${GROUP}/namespaces/default/probes`)).status === 200;
  await waitUntil("the custom resource to be served", discovered, { timeoutMs: 10_000 });
  await controlPlane.restartControllerManager();
}, START_MS);

afterAll(() => controlPlane?.stop());

test("it is ready: version, default namespace, its ServiceAccount", { timeout: TEST_MS }, async () => {
  const version = await controlPlane.request("GET", "/version");
  expect(version.body).toMatchObject({ major: "1", gitVersion: expect.stringMatching(/^v1\.\d+\.\d+$/) });
  expect((await controlPlane.request("GET", "/api/v1/namespaces/default")).status).toBe(200);
  await waitUntil(
    "the default ServiceAccount",
    async () => (await exists("/api/v1/namespaces/default/serviceaccounts/default")) || undefined,
    {
      timeoutMs: 10_000,
    },
  );
});

test("a write to our kinds is in the audit log completely, a secret without content", { timeout: TEST_MS }, async () => {
  await created(`${GROUP}/namespaces/default/probes`, probe("audited"));
  await created("/api/v1/namespaces/default/secrets", { metadata: { name: "audited" }, stringData: { token: "hush" } });
  const event = await audited((event) => event.objectRef?.name === "audited" && event.objectRef.resource === "probes");
  expect(event).toMatchObject({
    verb: "create",
    level: "RequestResponse",
    stage: "ResponseComplete",
    user: { username: "admin" },
    objectRef: { apiGroup: "customdomains.dev", apiVersion: "v1", resource: "probes", namespace: "default" },
    responseStatus: { code: 201 },
    requestObject: { spec: { note: "audited" } },
    responseObject: { spec: { note: "audited" }, metadata: { uid: expect.any(String) } },
  });
  const secret = await audited((event) => event.objectRef?.resource === "secrets" && event.verb === "create");
  expect(secret.level).toBe("Metadata");
  expect(JSON.stringify(secret)).not.toContain("hush");
});

test("deleting an owner deletes the custom resources that it owns", { timeout: TEST_MS }, async () => {
  const owner = (await created(`${GROUP}/namespaces/default/probes`, probe("owner"))) as { metadata: { uid: string } };
  const reference = { apiVersion: "customdomains.dev/v1", kind: "Probe", name: "owner", uid: owner.metadata.uid };
  const owned = { ...probe("owned"), metadata: { name: "owned", ownerReferences: [reference] } };
  await created(`${GROUP}/namespaces/default/probes`, owned);
  await controlPlane.request("DELETE", `${GROUP}/namespaces/default/probes/owner`);
  await absent(`${GROUP}/namespaces/default/probes/owned`, 15_000);
  const deletion = await audited((event) => event.objectRef?.name === "owned" && event.verb === "delete");
  expect(deletion.user.username).toBe("system:serviceaccount:kube-system:generic-garbage-collector");
});

test("deleting a namespace deletes its custom resources", { timeout: TEST_MS }, async () => {
  await created("/api/v1/namespaces", { metadata: { name: "doomed" } });
  await created(`${GROUP}/namespaces/doomed/probes`, probe("inhabitant"));
  await controlPlane.request("DELETE", "/api/v1/namespaces/doomed");
  await absent("/api/v1/namespaces/doomed", 45_000);
  expect(await exists(`${GROUP}/namespaces/doomed/probes/inhabitant`)).toBe(false);
});

test("a ServiceAccount's token opens what RBAC grants and no more", { timeout: TEST_MS }, async () => {
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
  await created("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "reader" } });
  const rules = [{ apiGroups: ["customdomains.dev"], resources: ["probes"], verbs: ["list"] }];
  await created(`${rbac}/roles`, { metadata: { name: "reader" }, rules });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };
  const subjects = [{ kind: "ServiceAccount", name: "reader", namespace: "default" }];
  await created(`${rbac}/rolebindings`, { metadata: { name: "reader" }, roleRef, subjects });

  const tokenFile = join(controlPlane.dir, "reader.token");
  await writeFile(tokenFile, await controlPlane.serviceAccountToken("default", "reader"));
  const kubeconfig = join(controlPlane.dir, "reader.kubeconfig");
  await controlPlane.writeKubeconfig(kubeconfig, { tokenFile });

  const granted = async () => (await kubectl(kubeconfig, "get", "probes", "-o", "name")).code === 0;
  await waitUntil("the role to be known", granted, { timeoutMs: 10_000 });
  const refused = await kubectl(kubeconfig, "get", "nodes");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('User "system:serviceaccount:default:reader" cannot list resource "nodes"');
});

test("a client certificate makes a user of its groups", { timeout: TEST_MS }, async () => {
  const kubeconfig = join(controlPlane.dir, "visitor.kubeconfig");
  const clientCertificate = controlPlane.issueClientCertificate("visitor", ["guests"]);
  await controlPlane.writeKubeconfig(kubeconfig, { clientCertificate });
  const { stdout } = await kubectl(kubeconfig, "auth", "whoami", "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject({
    status: { userInfo: { username: "visitor", groups: ["guests", "system:authenticated"] } },
  });
});

test("the API server can be killed and comes back on its port with its data", { timeout: TEST_MS }, async () => {
  await created("/api/v1/namespaces/default/configmaps", { metadata: { name: "kept" } });
  const before = controlPlane.pids["kube-apiserver"];
  await controlPlane.killApiServer();
  expect(controlPlane.pids["kube-apiserver"]).toBeUndefined();
  await expect(controlPlane.request("GET", "/readyz")).rejects.toThrow();
  await controlPlane.startApiServer();
  expect(controlPlane.pids["kube-apiserver"]).not.toBe(before);
  expect(await exists("/api/v1/namespaces/default/configmaps/kept")).toBe(true);
});

test("after a compaction and a restart, old watches answer 410", { timeout: TEST_MS }, async () => {
  expect(Number(await controlPlane.compactEtcd())).toBeGreaterThan(1);
  await controlPlane.restartApiServer();
  const { body } = await controlPlane.request(
    "GET",
    "/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=2&timeoutSeconds=5",
  );
  expect(JSON.stringify(body)).toMatch(/\\?"code\\?":410/);
});

function definition(): object {
  const spec = { type: "object", properties: { note: { type: "string", maxLength: 100 } } };
  const schema = { openAPIV3Schema: { type: "object", properties: { spec } } };
  return {
    metadata: { name: "probes.customdomains.dev" },
    spec: {
      group: "customdomains.dev",
      scope: "Namespaced",
      names: { kind: "Probe", plural: "probes", singular: "probe" },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}

function probe(name: string): object {
  return { apiVersion: "customdomains.dev/v1", kind: "Probe", metadata: { name }, spec: { note: name } };
}

async function created(path: string, object: object): Promise<unknown> {
  const { status, body } = await controlPlane.request("POST", path, object);
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

async function exists(path: string): Promise<boolean> {
  return (await controlPlane.request("GET", path)).status === 200;
}

async function absent(path: string, timeoutMs: number): Promise<void> {
  await waitUntil(`${path} to be deleted`, async () => !(await exists(path)), { timeoutMs });
}

async function audited(where: (event: AuditEvent) => boolean): Promise<AuditEvent> {
  const find = async () =>
    (await readAuditLog(controlPlane.auditLog, { where: (event) => isWrite(event) && where(event) })).events[0];
  return waitUntil("the audit event", find, { timeoutMs: 5_000 });
}

async function kubectl(kubeconfig: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await promisify(execFile)(controlPlane.kubectl, ["--kubeconfig", kubeconfig, ...args])) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}
