import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClassBench } from "./class-bench.fixture.ts";

let bench: ClassBench;

beforeEach(async () => {
  bench = await ClassBench.start();
  bench.sync("domainclaims", "billingaccounts");
});
afterEach(() => bench[Symbol.asyncDispose]());

const ready = (name = "default") => bench.condition("Ready", name);

async function told(name = "default") {
  await bench.reconcile(name);
  return ready(name);
}

describe("a class that has what it needs", () => {
  it("is Available, with every condition, and announces it once", async () => {
    bench.putClass("default", { default: true });
    await bench.reconcile();
    await bench.reconcile();
    expect(bench.class()?.status?.conditions?.map(({ type, status, reason }) => `${type}=${status}/${reason}`)).toEqual([
      "Ready=True/Available",
      "CredentialsValid=True/CredentialsAccepted",
      "FallbackOriginActive=True/Active",
      "ProofReliable=True/ProofsPresent",
    ]);
    expect(bench.class()?.status?.observedGeneration).toBe(1);
    expect(bench.events).toEqual(["Normal Available"]);
  });
});

describe("a key that is missing", () => {
  it("with which answers of the check are signed", async () => {
    bench.putClass("default");
    bench.secrets.delete("domain-check/signingKey");
    const message =
      "Secret domain-check does not exist in namespace operator: create it, with the key that answers of the check are signed with";
    expect(await told()).toEqual({ status: "False", reason: "SecretNotFound", message });
    expect(bench.condition("Reconciling")).toEqual({ status: "True", reason: "SecretNotFound", message });
    expect(bench.condition("CredentialsValid")?.status).toBe("True");
    expect(bench.events).toEqual(["Warning SecretNotFound"]);
    bench.putSecret("domain-check/signingKey", "key");
    expect(await told()).toMatchObject({ status: "True", reason: "Available" });
    expect(bench.condition("Reconciling")).toBeUndefined();
    expect(bench.events).toEqual(["Warning SecretNotFound", "Normal Available"]);
  });

  it.each([
    ["where nothing is checked", { check: { egress: "Off" } }],
    ["where answers are not signed", { check: { response: "Plain", expectedBody: "ok" } }],
  ])("is not missed %s", async (_, changes) => {
    bench.putClass("default", changes);
    bench.secrets.delete("domain-check/signingKey");
    expect(await told()).toMatchObject({ reason: "Available" });
  });

  it("that is not known yet is no problem", async () => {
    bench.putClass("default");
    bench.secrets.set("domain-check/signingKey", { kind: "unknown" });
    bench.secrets.set("chargebee/apiKey", { kind: "unknown" });
    expect(await told()).toMatchObject({ reason: "Available" });
  });

  it("of Chargebee", async () => {
    bench.putClass("default");
    bench.secrets.delete("chargebee/apiKey");
    const message = "Secret chargebee does not exist in namespace operator: create it, with Chargebee's API key";
    expect(await told()).toEqual({ status: "False", reason: "SecretNotFound", message });
    bench.putSecret("chargebee/apiKey", "key");
    expect(await told()).toMatchObject({ reason: "Available" });
  });

  it("of Chargebee is not missed where nothing is billed", async () => {
    bench.putClass("default", { billing: { chargebee: undefined } });
    bench.secrets.delete("chargebee/apiKey");
    expect(await told()).toMatchObject({ reason: "Available" });
  });
});

describe("a key that Chargebee refuses", () => {
  it("is told on the classes that use it, and on no other", async () => {
    bench.putClass("default");
    const { site } = bench.class()?.spec.billing.chargebee ?? {};
    bench.putClass("other", { billing: { chargebee: { ...chargebee(), apiKeySecretRef: { name: "another", key: "apiKey" } } } });
    bench.putSecret("another/apiKey", "key");
    bench.refusedKeys.add(`${site} chargebee/apiKey`);
    const message = `Chargebee refuses the API key for site ${site}: put a key with full access to subscriptions into the Secret`;
    expect(await told()).toEqual({ status: "False", reason: "Unauthorized", message });
    expect(await told("other")).toMatchObject({ reason: "Available" });
    bench.refusedKeys.clear();
    expect(await told()).toMatchObject({ reason: "Available" });
  });
});

describe("being the default", () => {
  const MULTIPLE = {
    status: "False",
    reason: "MultipleDefaults",
    message: "Several CustomDomainClasses say default: true: leave it on one of them.",
  };

  it("of two, neither is ready; a third that does not claim it is; one alone is again", async () => {
    bench.putClass("a", { default: true });
    bench.putClass("b", { default: true });
    bench.putClass("c");
    expect([await told("a"), await told("b")]).toEqual([MULTIPLE, MULTIPLE]);
    expect(await told("c")).toMatchObject({ reason: "Available" });
    bench.putClass("b");
    expect(await told("a")).toMatchObject({ reason: "Available" });
    expect(await told("b")).toMatchObject({ reason: "Available" });
  });
});

describe("names that Cloudflare does not let go", () => {
  it("are counted on their own class until they are released", async () => {
    bench.putClass("default");
    bench.putClass("other");
    for (const name of ["one.acme.com", "two.acme.com", "slow.acme.com"]) bench.putClaim(name, { state: "Releasing" });
    bench.progress.failed("one.acme.com", { refused: false, message: "no" }, 0);
    bench.progress.failed("two.acme.com", { refused: true, message: "no" }, 0);
    bench.progress.waiting("slow.acme.com", "not yet", 0);
    const message = "2 names cannot be released at Cloudflare now: tried again by itself";
    expect(await told()).toEqual({ status: "False", reason: "ReleaseFailing", message });
    expect(await told("other")).toMatchObject({ reason: "Available" });
    for (const name of ["one.acme.com", "two.acme.com"]) bench.progress.succeeded(name);
    expect(await told()).toMatchObject({ reason: "Available" });
  });
});

describe("the fuses", () => {
  it("show on the class: lost proofs beside Ready, lost holders in it", async () => {
    bench.putClass("default");
    for (let n = 0; n < 20; n += 1) bench.putClaim(`lost-${n}.acme.com`, { proofLostTime: "2026-02-01T00:00:00Z" });
    expect(await told()).toMatchObject({ reason: "Available" });
    expect(bench.condition("ProofReliable")).toMatchObject({ status: "False", reason: "MassProofLoss" });
    for (let n = 0; n < 20; n += 1) bench.putClaim(`gone-${n}.acme.com`, { orphanedTime: "2026-02-01T00:00:00Z" });
    expect(await told()).toMatchObject({ status: "False", reason: "MassOrphaning" });
  });
});

it("of several problems the one that decides most is told first", async () => {
  const { cloudflare } = bench.world;
  bench.putClass("default", { default: true });
  bench.putClass("other", { default: true });
  bench.secrets.clear();
  cloudflare.setFallbackOrigin(undefined);
  for (let n = 0; n < 20; n += 1) bench.putClaim(`gone-${n}.acme.com`, { orphanedTime: "2026-02-01T00:00:00Z" });
  bench.progress.failed("gone-1.acme.com", { refused: true, message: "no" }, 0);
  const mends: (() => void)[] = [
    () => bench.putClass("other"),
    () => bench.putSecret("domain-check/signingKey", "key"),
    () => bench.putSecret("chargebee/apiKey", "key"),
    () => bench.putSecret("cloudflare/token", bench.world.connection.cloudflareToken),
    () => {
      cloudflare.setFallbackOrigin("active");
      // What Cloudflare said is not asked again for a minute.
      bench.world.clock.advance(60_000);
    },
    () => bench.progress.succeeded("gone-1.acme.com"),
  ];
  const seen: string[] = [];
  for (const mend of [undefined, ...mends]) {
    mend?.();
    const { reason, message } = (await told()) ?? {};
    seen.push(`${reason}: ${message?.split(/[ :]/).slice(0, 2).join(" ")}`);
  }
  expect(seen).toEqual([
    "MultipleDefaults: Several CustomDomainClasses",
    "SecretNotFound: Secret domain-check",
    "SecretNotFound: Secret chargebee",
    "SecretNotFound: Secret cloudflare",
    "FallbackOriginMissing: The zone",
    "ReleaseFailing: 1 name",
    "MassOrphaning: The CustomDomains",
  ]);
});

function chargebee() {
  const { chargebee: settings } = bench.class()?.spec.billing ?? {};
  return settings ?? {};
}
