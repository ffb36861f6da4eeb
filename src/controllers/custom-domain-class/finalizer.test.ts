import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FINALIZER } from "../../api/v1/group.ts";
import { ClassBench } from "./class-bench.fixture.ts";

const FOREIGN = "example.org/backup";
const LINE = { subscriptionID: "sub-1", itemPriceID: "custom-domain", quantity: 2 };
let bench: ClassBench;

beforeEach(async () => {
  bench = await ClassBench.start();
});
afterEach(() => bench[Symbol.asyncDispose]());

/** Reconciled once, then deleted by an administrator, and reconciled again. */
async function deleted(): Promise<void> {
  bench.putClass("default");
  await bench.reconcile();
  bench.api.delete("customdomainclasses", "default");
  await bench.reconcile();
}

describe("the finalizer of a class", () => {
  it("is there before anything is told, and others' stay beside it", async () => {
    bench.putClass("default");
    bench.secrets.set("cloudflare/token", { kind: "unknown" });
    await bench.reconcile();
    expect(bench.class()?.metadata.finalizers).toEqual([FINALIZER]);
    expect(bench.class()?.status).toBeUndefined();
    const found = bench.api.get("customdomainclasses", "default");
    if (found !== undefined)
      bench.api.put("customdomainclasses", { ...found, metadata: { ...found.metadata, finalizers: [FOREIGN] } });
    await bench.reconcile();
    expect(bench.class()?.metadata.finalizers).toEqual([FOREIGN, FINALIZER]);
  });

  it("goes at once where nobody needs the class, and the class with it", async () => {
    bench.sync("domainclaims", "billingaccounts");
    bench.putAccount("acme", "default", []);
    bench.putAccount("acme", "other", [LINE]);
    bench.putClaim("other.acme.com", { className: "other" });
    await deleted();
    expect(bench.class()).toBeUndefined();
  });

  it("leaves others' in place, and is not set on a class that is going", async () => {
    bench.sync("domainclaims", "billingaccounts");
    bench.putClass("default");
    await bench.reconcile();
    const found = bench.api.get("customdomainclasses", "default");
    const finalizers = [FOREIGN, FINALIZER];
    if (found !== undefined) bench.api.put("customdomainclasses", { ...found, metadata: { ...found.metadata, finalizers } });
    bench.api.delete("customdomainclasses", "default");
    await bench.reconcile();
    expect(bench.class()?.metadata.finalizers).toEqual([FOREIGN]);
    const version = bench.class()?.metadata.resourceVersion;
    expect(await bench.reconcile()).toBeUndefined();
    bench.putClaim("shop.acme.com");
    await bench.reconcile();
    expect(bench.class()?.metadata.finalizers).toEqual([FOREIGN]);
    expect(bench.condition("Ready")?.reason).toBe("ClassInUse");
    expect(bench.class()?.metadata.resourceVersion).not.toBe(version);
  });

  it.each(["Pending", "Proven", "Releasing", "Released"] as const)(
    "stays while a claim that is %s names the class",
    async (state) => {
      bench.sync("domainclaims", "billingaccounts");
      bench.putClaim("shop.acme.com", { state });
      await deleted();
      expect(bench.class()?.metadata.finalizers).toEqual([FINALIZER]);
      expect(bench.condition("Ready")).toEqual({
        status: "False",
        reason: "ClassInUse",
        message: "Still needed by 1 domain claim: the class goes when they are gone.",
      });
      bench.api.delete("domainclaims", "shop.acme.com");
      await bench.reconcile();
      expect(bench.class()).toBeUndefined();
    },
  );

  it("stays while a BillingAccount answers for lines at its site", async () => {
    bench.sync("domainclaims", "billingaccounts");
    for (const namespace of ["acme", "umbrella"]) bench.putAccount(namespace, "default", [LINE]);
    for (const name of ["a.acme.com", "b.acme.com"]) bench.putClaim(name);
    await deleted();
    expect(bench.condition("Ready")).toEqual({
      status: "False",
      reason: "ClassInUse",
      message:
        "Still needed by 2 domain claims and 2 BillingAccounts with lines at Chargebee: the class goes when they are gone.",
    });
    for (const name of ["a.acme.com", "b.acme.com"]) bench.api.delete("domainclaims", name);
    bench.putAccount("umbrella", "default", []);
    await bench.reconcile();
    expect(bench.condition("Ready")?.message).toBe(
      "Still needed by 1 BillingAccount with lines at Chargebee: the class goes when they are gone.",
    );
    bench.putAccount("acme", "default", []);
    await bench.reconcile();
    expect(bench.class()).toBeUndefined();
  });

  it.each([
    ["claims", "billingaccounts", "domainclaims"],
    ["accounts", "domainclaims", "billingaccounts"],
  ] as const)("stays until the %s are known", async (_, known, missing) => {
    bench.sync(known);
    await deleted();
    expect(bench.class()?.metadata.finalizers).toEqual([FINALIZER]);
    expect(bench.condition("Ready")).toMatchObject({
      reason: "ClassInUse",
      message: "It is not known yet whether the class is still needed.",
    });
    bench.sync(missing);
    await bench.reconcile();
    expect(bench.class()).toBeUndefined();
  });
});
