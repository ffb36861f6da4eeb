import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLASS, Environment } from "../harness/environment.ts";
import { conditionOf, connect, hostnamesAt, publishAsked, reasonOf, untilGone } from "../harness/journey.ts";

let environment: Environment;

beforeAll(async () => {
  environment = await Environment.start({ name: "deletion" });
  await environment.startOperator();
  for (const namespace of ["lindqvist", "marlow", "doomed"]) await environment.namespace(namespace);
});
afterAll(() => environment.stop());

describe("deletion in each phase leaves nothing behind", () => {
  const phases: readonly { readonly phase: string; readonly reach: (name: string) => Promise<void> }[] = [
    { phase: "before anything was created", reach: async () => {} },
    {
      phase: "while records are awaited",
      reach: async (name) =>
        environment.until(
          "records",
          async () => ((await environment.getDomain("lindqvist", name))?.status?.verificationRecords ?? []).length > 0,
        ),
    },
    {
      phase: "after the proof, before the certificate",
      reach: async (name) => {
        await publishAsked(environment, "lindqvist", name);
        await environment.passUntil(
          "the proof",
          async () => conditionOf(await environment.getDomain("lindqvist", name), "OwnershipVerified") === "True",
          600_000,
        );
      },
    },
  ];
  it.each(phases)("$phase", async ({ phase, reach }) => {
    const name = `phase-${phases.findIndex((each) => each.phase === phase)}`;
    const hostname = `${name}.lindqvistkeramik.se`;
    await environment.domain("lindqvist", name, { domain: hostname });
    await reach(name);
    await environment.delete("CustomDomain", "lindqvist", name);
    await untilGone(environment, "lindqvist", name);
    // Deleted before it got its finalizer, a claim may have been left: then it is an orphan, for an hour (claims rule 12).
    const state = async () => (await environment.claim(hostname))?.spec.state;
    await environment.passUntil(
      "the claim to rest",
      async () => ["Released", undefined].includes(await state()),
      75 * 60_000,
      60_000,
    );
    expect(hostnamesAt(environment)).not.toContain(hostname);
  });

  it("takes the www twin along, and a route through the garbage collector", async () => {
    await connect(environment, "lindqvist", "apex", "lindqvistkeramik.se");
    await environment.passUntil("the twin", () => hostnamesAt(environment).includes("www.lindqvistkeramik.se"), 60_000);
    await environment.apply({
      apiVersion: "customdomains.dev/v1",
      kind: "CustomDomainRoute",
      metadata: { name: "root", namespace: "lindqvist" },
      spec: { domainRef: { name: "apex" }, backendRef: { name: "web", port: 80 } },
    });
    const route = () => environment.get("CustomDomainRoute", "root", "lindqvist");
    await environment.until("the owner reference", async () => (await route())?.metadata.ownerReferences?.[0]?.name === "apex");
    await environment.delete("CustomDomain", "lindqvist", "apex");
    await untilGone(environment, "lindqvist", "apex");
    await environment.until("the route to be collected", async () => (await route()) === undefined, 90_000);
    expect(hostnamesAt(environment)).toEqual([]);
  });
});

describe("a namespace with domains and its account in it", () => {
  it("goes, with everything at Cloudflare and the paid quantity", async () => {
    environment.world.addSubscription("sub_doomed");
    await environment.apply({
      apiVersion: "customdomains.dev/v1",
      kind: "BillingAccount",
      metadata: { name: CLASS, namespace: "doomed" },
      spec: { subscriptionID: "sub_doomed", freeQuantity: 0 },
    });
    await connect(environment, "doomed", "one", "one.marlow-tea.co.uk");
    await environment.domain("doomed", "two", { domain: "two.marlow-tea.co.uk" });
    const quantity = () => environment.world.chargebee.quantity("sub_doomed", environment.world.connection.itemPriceID) ?? 0;
    await environment.passUntil("two paid domains", () => quantity() === 2, 600_000);
    await environment.controlPlane.request("DELETE", "/api/v1/namespaces/doomed");
    const namespaceStatus = async () => (await environment.controlPlane.request("GET", "/api/v1/namespaces/doomed")).status;
    await environment.passUntil("the namespace to be gone", async () => (await namespaceStatus()) === 404, 1_800_000, 10_000);
    expect(hostnamesAt(environment)).toEqual([]);
    expect(quantity()).toBe(0);
  });
});

describe("a tenant who strips the finalizer", () => {
  it("leaves no row behind: the claim remembers", async () => {
    await connect(environment, "marlow", "shop", "shop.marlow-tea.co.uk");
    await environment.patch("CustomDomain", "marlow", "shop", { metadata: { finalizers: [] } });
    // The operator puts the finalizer back at once, so strip it while the object is going.
    await environment.operator?.kill();
    await environment.delete("CustomDomain", "marlow", "shop");
    await environment.patch("CustomDomain", "marlow", "shop", { metadata: { finalizers: [] } }).catch(() => {});
    await environment.until("the object to be gone", async () => (await environment.getDomain("marlow", "shop")) === undefined);
    await environment.startOperator();
    await environment.until(
      "the orphan to be noticed",
      async () => (await environment.claim("shop.marlow-tea.co.uk"))?.spec.orphanedTime !== undefined,
    );
    expect(hostnamesAt(environment)).toContain("shop.marlow-tea.co.uk");
    await environment.passUntil(
      "the row to go",
      () => !hostnamesAt(environment).includes("shop.marlow-tea.co.uk"),
      75 * 60_000,
      60_000,
    );
    await environment.passUntil(
      "the claim to rest",
      async () => (await environment.claim("shop.marlow-tea.co.uk"))?.spec.state === "Released",
      60_000,
    );
    expect((await environment.claim("shop.marlow-tea.co.uk"))?.spec).toMatchObject({
      rows: [],
      tenant: expect.stringMatching(/^sha256-/),
    });
  });

  it("gets the finalizer back while the object lives", async () => {
    await environment.domain("marlow", "blog", { domain: "blog.marlow-tea.co.uk" });
    await environment.until("a status", async () => (await environment.getDomain("marlow", "blog"))?.status?.id !== undefined);
    await environment.patch("CustomDomain", "marlow", "blog", {
      metadata: { finalizers: [], labels: { "customdomains.dev/id": "stolen-id" } },
    });
    await environment.until(
      "the finalizer to come back",
      async () => ((await environment.getDomain("marlow", "blog"))?.metadata.finalizers ?? []).length === 1,
    );
    const domain = await environment.getDomain("marlow", "blog");
    expect(domain?.metadata.labels?.["customdomains.dev/id"]).toBe(domain?.status?.id);
    expect(reasonOf(domain, "Claimed")).toBe("Claimed");
  });
});
