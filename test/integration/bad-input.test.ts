import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CustomDomainClass } from "../../src/api/v1/custom-domain-class.ts";
import { findCondition } from "../../src/core/conditions.ts";
import { CLASS, Environment } from "../harness/environment.ts";
import { callsAt, conditionOf, connect, hostnamesAt, reasonOf } from "../harness/journey.ts";
import { classSpecFor, manifestsFor } from "../simulators/platform.ts";
import { RELEASE } from "../tools/helm.ts";

let environment: Environment;

beforeAll(async () => {
  const unlisted = { finding: 'watch secrets "unlisted"', because: "a class names a Secret that the Role does not list" };
  environment = await Environment.start({ name: "bad-input", allow: [unlisted] });
  await environment.startOperator();
  await environment.namespace("lindqvist");
});
afterAll(() => environment.stop());

const readClass = (name = CLASS) => environment.get<CustomDomainClass>("CustomDomainClass", name);
const classReason = async (type: string, name = CLASS) =>
  findCondition((await readClass(name))?.status?.conditions, type)?.reason;

async function setSecret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
  await environment.apply({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: RELEASE.namespace }, stringData });
}

describe("a domain that cannot be connected", () => {
  it.each([
    ["acme.com/path", /write only what stands before the first/],
    ["127.1", /must be a host name, not an IP address/],
    ["-a.com", /must not/],
    [`${"a".repeat(300)}.com`, /must be no longer than|must have at most|Too long|must/],
  ])("the API server refuses %s, and says what to write", async (domain, message) => {
    await expect(environment.domain("lindqvist", "bad", { domain })).rejects.toThrow(message);
  });

  it("co.uk gets a condition, costs nothing and disturbs nobody", async () => {
    await environment.domain("lindqvist", "suffix", { domain: "co.uk" });
    await environment.until(
      "the condition",
      async () => conditionOf(await environment.getDomain("lindqvist", "suffix"), "Stalled") === "True",
    );
    const domain = await environment.getDomain("lindqvist", "suffix");
    expect(reasonOf(domain, "Ready")).toBe("InvalidDomain");
    expect(findCondition(domain?.status?.conditions, "Ready")?.message).toMatch(/co\.uk/);
    expect(environment.world.cloudflare.ledger().posts).toBe(0);
    await environment.delete("CustomDomain", "lindqvist", "suffix");
    await environment.until("its deletion", async () => (await environment.getDomain("lindqvist", "suffix")) === undefined);
  });

  it("an unknown class heals when the class comes", async () => {
    await environment.domain("lindqvist", "later", { domain: "later.lindqvistkeramik.se", className: "not-yet" });
    await environment.until(
      "the reason",
      async () => reasonOf(await environment.getDomain("lindqvist", "later"), "Ready") === "ClassNotFound",
    );
    expect(conditionOf(await environment.getDomain("lindqvist", "later"), "Stalled")).toBeUndefined();
    const spec = { ...classSpecFor(environment.world.connection), default: false };
    await environment.apply({
      apiVersion: "customdomains.dev/v1",
      kind: "CustomDomainClass",
      metadata: { name: "not-yet" },
      spec,
    });
    await environment.until(
      "the claim",
      async () => conditionOf(await environment.getDomain("lindqvist", "later"), "Claimed") === "True",
    );
    await environment.until("the row", () => hostnamesAt(environment).includes("later.lindqvistkeramik.se"));
  });
});

describe("a class whose credential is missing or wrong", () => {
  it("a missing Secret: said once on the class, healed by creating it; a live domain stays live", async () => {
    await connect(environment, "lindqvist", "shop", "shop.lindqvistkeramik.se");
    await environment.controlPlane.request("DELETE", `/api/v1/namespaces/${RELEASE.namespace}/secrets/cloudflare`);
    await environment.until("the class to tell", async () => (await classReason("CredentialsValid")) === "SecretNotFound");
    await environment.domain("lindqvist", "waits", { domain: "waits.lindqvistkeramik.se" });
    await environment.until(
      "a reason",
      async () => reasonOf(await environment.getDomain("lindqvist", "waits"), "HostnameActive") === "SecretNotFound",
    );
    expect(conditionOf(await environment.getDomain("lindqvist", "shop"), "Ready")).toBe("True");
    const [secret] = manifestsFor(environment.world.connection, { namespace: RELEASE.namespace, className: CLASS });
    await environment.apply(secret);
    await environment.until("the class to heal", async () => (await classReason("Ready")) === "Available");
    await environment.passUntil("the row", () => hostnamesAt(environment).includes("waits.lindqvistkeramik.se"), 60_000);
  });

  it("a wrong token: Unauthorized on the class, no flap of a live domain, healed by the right one", async () => {
    await setSecret("cloudflare", { token: "wrong-token" });
    await environment.until("the class to tell", async () => (await classReason("Ready")) === "Unauthorized");
    expect(conditionOf(await environment.getDomain("lindqvist", "shop"), "Ready")).toBe("True");
    await environment.domain("lindqvist", "after", { domain: "after.lindqvistkeramik.se" });
    await environment.until(
      "a reason",
      async () => reasonOf(await environment.getDomain("lindqvist", "after"), "HostnameActive") === "Unauthorized",
    );
    const before = callsAt(environment);
    await environment.pass(40_000);
    await environment.pass(40_000);
    // The class asks once a minute, the domains not at all.
    expect(callsAt(environment) - before).toBeLessThan(12);
    await setSecret("cloudflare", { token: `${environment.world.connection.cloudflareToken}\n` });
    await environment.until("the class to heal", async () => (await classReason("Ready")) === "Available");
    expect(conditionOf(await environment.getDomain("lindqvist", "shop"), "Ready")).toBe("True");
  });

  it("a Secret that the operator may not read: the class says where to add it", async () => {
    const spec = classSpecFor(environment.world.connection);
    const cloudflare = { ...spec.cloudflare, apiTokenSecretRef: { name: "unlisted", key: "token" } };
    await environment.apply({
      apiVersion: "customdomains.dev/v1",
      kind: "CustomDomainClass",
      metadata: { name: "unlisted" },
      spec: { ...spec, default: false, cloudflare },
    });
    await environment.until(
      "the class to tell",
      async () => (await classReason("CredentialsValid", "unlisted")) === "SecretNotFound",
    );
    const condition = findCondition((await readClass("unlisted"))?.status?.conditions, "CredentialsValid");
    expect(condition?.message).toMatch(/credentials\.secretNames/);
  });
});

describe("a class without fallback origin", () => {
  it("says so, and heals", async () => {
    environment.world.cloudflare.setFallbackOrigin(undefined);
    await environment.passUntil(
      "the class to tell",
      async () => (await classReason("FallbackOriginActive")) === "FallbackOriginMissing",
      600_000,
      30_000,
    );
    expect(conditionOf(await environment.getDomain("lindqvist", "shop"), "Ready")).toBe("True");
    environment.world.cloudflare.setFallbackOrigin("active");
    await environment.passUntil("the class to heal", async () => (await classReason("Ready")) === "Available", 600_000, 30_000);
  });
});
