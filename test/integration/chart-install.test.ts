import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { installChart, RELEASE, renderChart, uninstallChart } from "../tools/helm.ts";
import { type KubectlRun, kubectl } from "../tools/kubectl.ts";
import type { Manifest } from "../tools/manifests.ts";
import { EVERY_VALUE } from "./chart-values.ts";

const ROOT = join(import.meta.dirname, "../..");
const SAMPLES = join(ROOT, "config/samples");
/** The binaries may have to be built first. */
const SETUP_TIMEOUT = 20 * 60_000;
const TIMEOUT = 60_000;
const DRY_RUN = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"];

let controlPlane: ControlPlane;

beforeAll(async () => {
  controlPlane = await startControlPlane();
}, SETUP_TIMEOUT);

afterAll(() => controlPlane.stop());

function admin(args: readonly string[], stdin?: string): Promise<KubectlRun> {
  return kubectl(controlPlane.kubectl, controlPlane.kubeconfig, args, stdin);
}

async function createNamespace(name: string, labels: Record<string, string> = {}): Promise<void> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
  const { status } = await controlPlane.request("POST", "/api/v1/namespaces", body);
  expect([201, 409]).toContain(status);
}

function stream(manifests: readonly unknown[]): string {
  return manifests.map((manifest) => JSON.stringify(manifest)).join("\n---\n");
}

describe("before anything is installed", { timeout: TIMEOUT }, () => {
  test.each([
    ["its defaults", {}],
    ["every value set", EVERY_VALUE],
  ])("the API server takes every object of the chart with %s, and warns of nothing", async (_, values) => {
    await createNamespace(RELEASE.namespace);
    const manifests = await renderChart(values);
    const { code, stdout, stderr } = await admin(DRY_RUN, stream(manifests));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.match(/serverside-applied \(server dry run\)/g)).toHaveLength(manifests.length);
  });

  test("the API server takes every object of config/default", async () => {
    const rendered = await admin(["kustomize", join(ROOT, "config/default")]);
    const { code, stdout, stderr } = await admin(DRY_RUN, rendered.stdout);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("deployment.apps/custom-domain-operator serverside-applied");
  });

  test("the pods fit a namespace that enforces the restricted Pod Security Standard", async () => {
    const namespace = "restricted";
    await createNamespace(namespace, { "pod-security.kubernetes.io/enforce": "restricted" });
    const serviceAccount = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: RELEASE.name } };
    await controlPlane.request("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, serviceAccount);
    const spec = podSpec(await renderChart());
    const create = (body: object) => controlPlane.request("POST", `/api/v1/namespaces/${namespace}/pods?dryRun=All`, body);
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "operator" }, spec };
    const careless = { ...pod, spec: { ...spec, securityContext: {} } };
    expect(await create(pod)).toMatchObject({ status: 201 });
    expect(await create(careless)).toMatchObject({ status: 403, body: { message: expect.stringContaining("runAsNonRoot") } });
  });
});

describe("installed by Helm", { timeout: TIMEOUT }, () => {
  let notes: string;

  beforeAll(async () => {
    notes = await installChart(controlPlane.kubeconfig);
    const established = ["wait", "--for=condition=Established", "--timeout=30s", "customresourcedefinitions", "--all"];
    expect(await admin(established)).toMatchObject({ code: 0 });
  }, TIMEOUT);

  test("the notes name three commands, which run", async () => {
    const commands = notes.split("\n").filter((line) => line.startsWith("   kubectl "));
    const [rollout, secret, classes] = commands.map((line) => line.trim().split(" ").slice(1));
    expect(commands).toHaveLength(3);
    // No node runs the pods here: that the Deployment is found is what can be shown.
    expect((await admin([...(rollout ?? []), "--watch=false"])).stdout).toContain("Waiting for deployment");
    expect(await admin([...(secret ?? []), "--dry-run=server"])).toMatchObject({ code: 0 });
    expect(await admin(classes ?? [])).toMatchObject({ code: 0, stderr: "No resources found\n" });
  });

  test("the API server takes every sample", async () => {
    const files = (await readdir(SAMPLES)).filter((name) => name !== "kustomization.yaml").sort();
    const listed = (await readFile(join(SAMPLES, "kustomization.yaml"), "utf8")).matchAll(/^ {2}- (.+\.yaml)$/gm);
    expect([...listed].map(([, name]) => name).sort()).toEqual(files);
    await Promise.all(["lindqvist", "marlow"].map((name) => createNamespace(name)));
    for (const file of files) {
      const run = await admin(["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", join(SAMPLES, file)]);
      expect({ file, code: run.code, stderr: run.stderr }).toEqual({ file, code: 0, stderr: "" });
    }
  });

  test("a misspelt field in a sample would have been refused", async () => {
    const sample = await readFile(join(SAMPLES, "custom-domain-subdomain.yaml"), "utf8");
    const { code, stderr } = await admin(DRY_RUN, sample.replace("domain:", "wwwredirect: Auto\n  domain:"));
    expect(code).toBe(1);
    expect(stderr).toContain("wwwredirect");
  });

  test("a second installation changes nothing", async () => {
    const versions = async () =>
      (
        await admin([
          "get",
          "crds,clusterroles,roles,deployments",
          "-A",
          "-l",
          "app.kubernetes.io/name=custom-domain-operator",
          "-o",
          "json",
        ])
      ).stdout;
    const before = await versions();
    expect(JSON.parse(before).items.length).toBeGreaterThan(10);
    await installChart(controlPlane.kubeconfig);
    expect(JSON.parse(await versions())).toEqual(JSON.parse(before));
  });

  test("an uninstallation keeps the kinds and the domains in them, and a new installation takes them up", async () => {
    await createNamespace("kept");
    const domain = {
      apiVersion: "customdomains.dev/v1",
      kind: "CustomDomain",
      metadata: { name: "shop" },
      spec: { domain: "shop.lindqvistkeramik.se" },
    };
    const path = "/apis/customdomains.dev/v1/namespaces/kept/customdomains";
    const { body } = await controlPlane.request("POST", path, domain);
    const { metadata } = z.object({ metadata: z.object({ uid: z.string() }) }).parse(body);

    const said = await uninstallChart(controlPlane.kubeconfig);
    expect(said.match(/\[CustomResourceDefinition\]/g)).toHaveLength(5);
    expect((await admin(["get", "clusterroles", "custom-domain-operator"])).stderr).toContain("NotFound");
    await installChart(controlPlane.kubeconfig);
    expect(await controlPlane.request("GET", `${path}/shop`)).toMatchObject({
      status: 200,
      body: { metadata: { uid: metadata.uid } },
    });
  });

  test.each([
    ["edit", "create", "customdomains", true],
    ["edit", "patch", "customdomainroutes", true],
    ["edit", "get", "billingaccounts", true],
    ["edit", "update", "customdomains/status", false],
    ["edit", "update", "customdomains/finalizers", false],
    ["edit", "update", "billingaccounts", false],
    ["edit", "list", "domainclaims", false],
    ["edit", "list", "customdomainclasses", false],
    ["admin", "delete", "customdomains", true],
    ["admin", "create", "billingaccounts", false],
    ["admin", "update", "customdomains/status", false],
    ["view", "watch", "customdomains", true],
    ["view", "create", "customdomains", false],
    ["custom-domain-operator-admin", "create", "billingaccounts", true],
    ["custom-domain-operator-admin", "update", "customdomains/status", false],
    ["custom-domain-operator-admin", "update", "customdomainclasses/status", false],
    ["custom-domain-operator-admin", "delete", "domainclaims", false],
  ])("in a namespace, who has the role %s: %s %s is %s", async (role, verb, resource, allowed) => {
    const user = `${role}-of-the-tenant`;
    await createNamespace("tenant");
    await admin(["create", "rolebinding", role, `--clusterrole=${role}`, `--user=${user}`, "--namespace=tenant"]);
    const mayDo = (verb: string, resource: string) => review(user, verb, resource);
    // Kubernetes joins aggregated roles by a controller, and the authorizer learns of a binding by a watch.
    await waitUntil("the role to be complete", () => mayDo("get", "customdomains"), { timeoutMs: 20_000 });
    expect(await mayDo(verb, resource)).toBe(allowed);
  });
});

function podSpec(manifests: readonly Manifest[]): object {
  const deployment = manifests.find(({ kind }) => kind === "Deployment");
  return z.object({ spec: z.object({ template: z.object({ spec: z.looseObject({}) }) }) }).parse(deployment).spec.template.spec;
}

/** What the authorizer says about a user in the tenant's namespace; `resource` may have a subresource. */
async function review(user: string, verb: string, kind: string): Promise<boolean> {
  const [resource, subresource] = kind.split("/");
  const resourceAttributes = {
    namespace: "tenant",
    verb,
    group: "customdomains.dev",
    resource,
    ...(subresource === undefined ? {} : { subresource }),
  };
  const body = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec: { user, resourceAttributes } };
  const answer = await controlPlane.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body);
  return z.object({ status: z.object({ allowed: z.boolean() }) }).parse(answer.body).status.allowed;
}
