import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CustomDomainRoute } from "../../src/api/v1/custom-domain-route.ts";
import { findCondition } from "../../src/core/conditions.ts";
import type { HTTPRoute } from "../../src/core/http-route.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { CLASS, Environment } from "../harness/environment.ts";
import { connect, untilGone } from "../harness/journey.ts";
import { gatewayApiCrds } from "../tools/gateway-api.ts";

const GATEWAY = { name: "edge", namespace: "gateways" };
let environment: Environment;

beforeAll(async () => {
  environment = await Environment.start({
    name: "routes",
    classSpec: (spec) => ({ ...spec, gateway: { parentRef: GATEWAY } }),
  });
  await environment.startOperator();
  await environment.namespace("lindqvist");
  await connect(environment, "lindqvist", "apex", "lindqvistkeramik.se");
  await connect(environment, "lindqvist", "shop", "shop.lindqvistkeramik.se");
});
afterAll(() => environment.stop());

const route = (name: string) => environment.get<CustomDomainRoute>("CustomDomainRoute", name, "lindqvist");

async function programmed(name: string): Promise<string | undefined> {
  return findCondition((await route(name))?.status?.conditions, "Programmed")?.reason;
}

async function httpRoute(name: string): Promise<HTTPRoute | undefined> {
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/lindqvist/httproutes/${name}`;
  const { status, body } = await environment.controlPlane.request("GET", path);
  if (status === 200) return body as HTTPRoute;
  if (status === 404) return undefined;
  throw new Error(`GET ${path}: ${status}`);
}

async function addRoute(name: string, domain: string, path = "/"): Promise<void> {
  await environment.apply({
    apiVersion: "customdomains.dev/v1",
    kind: "CustomDomainRoute",
    metadata: { name, namespace: "lindqvist" },
    spec: { domainRef: { name: domain }, path, backendRef: { name: "web", port: 80 } },
  });
}

const ownHttpRoute = (name: string, parentRefs: readonly object[]): KubeObject => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name, namespace: "lindqvist" },
  spec: { parentRefs, hostnames: ["www.somebody-else.se"], rules: [{ backendRefs: [{ name: "web", port: 80 }] }] },
});

/** Writes as a tenant who may write HTTPRoutes, and tells what the API server answered. */
async function asAdmin(method: "POST" | "PUT" | "PATCH" | "DELETE", name: string, body?: object) {
  const collection = "/apis/gateway.networking.k8s.io/v1/namespaces/lindqvist/httproutes";
  const path = method === "POST" ? collection : `${collection}/${name}`;
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const answer = await environment.controlPlane.request(method, path, body, type);
  return { status: answer.status, message: (answer.body as { readonly message?: string }).message ?? "" };
}

describe("a route of a live domain whose class names a Gateway", () => {
  it("waits, and says for what, while the cluster has no Gateway API", async () => {
    await addRoute("root", "apex");
    await environment.until("the reason", async () => (await programmed("root")) === "NoGateway");
    expect(findCondition((await route("root"))?.status?.conditions, "Programmed")?.message).toContain("install the Gateway API");
  });

  it("is rendered as soon as there is one, with the redirect of the www twin", async () => {
    for (const { apiVersion, kind, metadata, spec } of await gatewayApiCrds()) {
      const { name, annotations } = metadata;
      await environment.apply({
        apiVersion,
        kind,
        metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
        spec,
      });
    }
    await environment.until(
      "the kind to be served",
      async () => (await environment.controlPlane.request("GET", "/apis/gateway.networking.k8s.io/v1/httproutes")).status === 200,
    );
    // The kind is asked for every half minute of real time.
    await environment.until("the route", async () => (await programmed("root")) === "Programmed", 150_000);
    expect(await httpRoute("root")).toMatchObject({
      metadata: { ownerReferences: [{ kind: "CustomDomainRoute", name: "root", controller: true }] },
      spec: { parentRefs: [GATEWAY], hostnames: ["lindqvistkeramik.se"] },
    });
    expect(await httpRoute("root-www")).toMatchObject({
      spec: {
        hostnames: ["www.lindqvistkeramik.se"],
        rules: [{ filters: [{ requestRedirect: { hostname: "lindqvistkeramik.se", statusCode: 308 } }] }],
      },
    });
    expect((await route("root"))?.status?.httpRoute).toBe("lindqvist/root");
  }, 200_000);

  it("has one of two equal paths: the older; the other says so, and takes over when that goes", async () => {
    await addRoute("second", "apex");
    await environment.until("the reason", async () => (await programmed("second")) === "DuplicatePath");
    expect(await httpRoute("second")).toBeUndefined();
    await environment.delete("CustomDomainRoute", "lindqvist", "root");
    await environment.until("the takeover", async () => (await programmed("second")) === "Programmed");
    await environment.until("the collector", async () => (await httpRoute("root")) === undefined);
    await environment.until("the redirect", async () => (await httpRoute("second-www")) !== undefined);
  });

  it("is put back when somebody changes or deletes what was rendered, or takes its label off", async () => {
    await addRoute("shop", "shop", "/shop");
    await environment.until("the route", async () => (await programmed("shop")) === "Programmed");
    const uid = (await httpRoute("shop"))?.metadata.uid;
    expect((await asAdmin("PATCH", "shop", { spec: { hostnames: ["www.elsewhere.se"] } })).status).toBe(403);
    // As somebody may who is exempt from the policy, here by its absence.
    await withoutPolicy(async () => {
      expect((await asAdmin("PATCH", "shop", { spec: { hostnames: ["www.elsewhere.se"] } })).status).toBe(200);
    });
    const hostnames = async () => ((await httpRoute("shop"))?.spec as { readonly hostnames?: readonly string[] })?.hostnames;
    await environment.until("the host name", async () => (await hostnames())?.[0] === "shop.lindqvistkeramik.se");
    expect((await asAdmin("PATCH", "shop", { metadata: { labels: { "app.kubernetes.io/managed-by": null } } })).status).toBe(200);
    await environment.until(
      "the label",
      async () => (await httpRoute("shop"))?.metadata.labels?.["app.kubernetes.io/managed-by"] !== undefined,
    );
    expect((await httpRoute("shop"))?.metadata.uid).toBe(uid);
    await asAdmin("DELETE", "shop");
    await environment.until("another", async () => {
      const found = await httpRoute("shop");
      return found !== undefined && found.metadata.uid !== uid;
    });
  });

  it("never overwrites an HTTPRoute that somebody else has made", async () => {
    expect((await asAdmin("POST", "taken", ownHttpRoute("taken", []))).status).toBe(201);
    await addRoute("taken", "shop", "/taken");
    await environment.until("the reason", async () => (await programmed("taken")) === "HTTPRouteConflict");
    expect((await httpRoute("taken"))?.spec).toMatchObject({ hostnames: ["www.somebody-else.se"] });
    await environment.delete("CustomDomainRoute", "lindqvist", "taken");
    await environment.until("the route to go", async () => (await route("taken")) === undefined);
    expect(await httpRoute("taken")).toBeDefined();
  });

  it("tells when the Gateway refuses it", async () => {
    const controllerName = "test.dev/gateway";
    const conditions = [
      {
        type: "Accepted",
        status: "False",
        reason: "NotAllowedByListeners",
        message: "no",
        lastTransitionTime: new Date().toISOString(),
      },
    ];
    const path = "/apis/gateway.networking.k8s.io/v1/namespaces/lindqvist/httproutes/shop/status";
    const status = { parents: [{ parentRef: GATEWAY, controllerName, conditions }] };
    const patch = await environment.controlPlane.request("PATCH", path, { status }, "application/merge-patch+json");
    expect(patch.status).toBe(200);
    await environment.until("the reason", async () => (await programmed("shop")) === "GatewayRefused");
  });

  it("is withdrawn when the domain loses its owner's proof for good", async () => {
    await environment.until("the redirect's domain", async () => (await programmed("second")) === "Programmed");
    environment.world.dns.removeRecord("_customdomains-challenge.lindqvistkeramik.se", "TXT");
    await environment.passUntil(
      "the lapse",
      async () => (await environment.getDomain("lindqvist", "apex"))?.status?.verified === false,
      12 * 86_400_000,
      6 * 3_600_000,
    );
    await environment.until("the withdrawal", async () => (await programmed("second")) === "DomainNotVerified");
    expect([await httpRoute("second"), await httpRoute("second-www")]).toEqual([undefined, undefined]);
  }, 300_000);

  it("goes with its domain, HTTPRoute and all, by the garbage collector", async () => {
    await environment.delete("CustomDomain", "lindqvist", "shop");
    await untilGone(environment, "lindqvist", "shop");
    await environment.until("the collector", async () => (await route("shop")) === undefined);
    await environment.until("the collector once more", async () => (await httpRoute("shop")) === undefined);
    expect((await route("second"))?.metadata.name).toBe("second");
  });
});

describe("the Gateway that a class names", () => {
  const elsewhere = { name: "edge", namespace: "lindqvist" };

  it("is reserved: nobody but the operator attaches anything to it, by whatever way it is named", async () => {
    for (const parentRefs of [[GATEWAY], [elsewhere, { ...GATEWAY, sectionName: "https" }]]) {
      const refused = await asAdmin("POST", "hijack", ownHttpRoute("hijack", parentRefs));
      expect(refused.status).toBe(403);
      expect(refused.message).toContain("Gateway gateways/edge serves custom domains and is reserved");
    }
    expect((await asAdmin("POST", "mine", ownHttpRoute("mine", [elsewhere]))).status).toBe(201);
    expect((await asAdmin("PATCH", "mine", { spec: { parentRefs: [GATEWAY] } })).status).toBe(403);
    expect((await asAdmin("PATCH", "mine", { metadata: { annotations: { a: "b" } } })).status).toBe(200);
  });

  it("is any class's, not only the first's", async () => {
    const found = await environment.get<KubeObject<Record<string, unknown>>>("CustomDomainClass", CLASS);
    await environment.apply({
      apiVersion: "customdomains.dev/v1",
      kind: "CustomDomainClass",
      metadata: { name: "another" },
      spec: { ...found?.spec, default: false, gateway: { parentRef: { name: "other", namespace: "gateways" } } },
    });
    const late = ownHttpRoute("late", [{ name: "other", namespace: "gateways" }]);
    await environment.until("the policy to know the class", async () => {
      const { status } = await asAdmin("POST", "late", late);
      if (status === 201) await asAdmin("DELETE", "late");
      return status === 403;
    });
    expect((await asAdmin("POST", "late", late)).message).toContain("Gateway gateways/other serves custom domains");
  });
});

async function withoutPolicy(work: () => Promise<void>): Promise<void> {
  const path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/custom-domain-operator-gateways";
  const { body } = await environment.controlPlane.request("GET", path);
  const binding = body as KubeObject<Record<string, unknown>>;
  const setActions = (validationActions: readonly string[]) =>
    environment.controlPlane.request("PATCH", path, { spec: { validationActions } }, "application/merge-patch+json");
  await setActions(["Audit"]);
  try {
    await environment.until("the policy to be off", async () => {
      const probe = await asAdmin("POST", "probe", ownHttpRoute("probe", [GATEWAY]));
      if (probe.status !== 201) return false;
      await asAdmin("DELETE", "probe");
      return true;
    });
    await work();
  } finally {
    await setActions(binding.spec?.validationActions as readonly string[]);
    await environment.until("the policy to be on", async () => {
      const probe = await asAdmin("POST", "probe", ownHttpRoute("probe", [GATEWAY]));
      if (probe.status === 201) await asAdmin("DELETE", "probe");
      return probe.status === 403;
    });
  }
}
