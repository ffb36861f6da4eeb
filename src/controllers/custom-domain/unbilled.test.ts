import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { billingAccountSpecSchema } from "../../api/v1/billing-account.ts";
import { billingSchema } from "../../api/v1/chargebee-settings.ts";
import type { CustomDomainClassSpec } from "../../api/v1/custom-domain-class.ts";
import { API_VERSION } from "../../api/v1/group.ts";
import { ClaimBench } from "../claim-bench.fixture.ts";

let bench: ClaimBench;
let tests = 0;
let suffix: string;
let version = 0;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  tests += 1;
  suffix = `unbilled-${tests}.se`;
  bench.clear();
  for (const account of [...bench.ledger.accounts.store.list()]) bench.ledger.accounts.store.remove(account);
});

/** Class "billed", which bills what goes beyond `freeQuantity`. */
function bill(freeQuantity: number, accounts: "Required" | "Optional" = "Required"): void {
  bench.putClass("billed", { check: { egress: "Off" } });
  const chargebee = { site: "test", apiKeySecretRef: { name: "chargebee", key: "apiKey" }, itemPriceID: "domain", freeQuantity };
  const found = bench.api.get("customdomainclasses", "billed");
  if (found === undefined) throw new Error("there is no class");
  const spec = { ...(found.spec as CustomDomainClassSpec), billing: billingSchema.parse({ accounts, chargebee }) };
  bench.api.put("customdomainclasses", { ...found, spec });
}

function putAccount(namespace: string): void {
  version += 1;
  const metadata = { name: "billed", namespace, uid: `uid-${version}`, resourceVersion: String(version) };
  const spec = billingAccountSpecSchema.parse({ subscriptionID: "sub-1" });
  bench.ledger.accounts.store.apply({ apiVersion: API_VERSION, kind: "BillingAccount", metadata, spec });
}

/** A domain of the class, with its proof in place. */
function ask(key: string, label: string): string {
  const [namespace = ""] = key.split("/");
  const name = `${label}.${suffix}`;
  bench.publishProof(namespace, name);
  bench.putDomain(key, { domain: name, className: "billed" });
  return name;
}

async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) await bench.round(60_000);
}

describe("billing rule 11: a namespace without an account", () => {
  it("gets its free domains and no more, however long it waits; an account lets the next one through", async () => {
    bill(1);
    const first = ask("alice/first", "first");
    await bench.until("the free one", () => bench.hostnames().includes(first));
    const second = ask("alice/second", "second");
    await rounds(10);
    expect(bench.hostnames()).not.toContain(second);
    const message = "Namespace alice has no BillingAccount billed, and its free domains are used: an administrator creates one";
    expect(bench.condition("alice/second", "HostnameActive")).toMatchObject({
      status: "False",
      reason: "NoBillingAccount",
      message,
    });
    expect(bench.condition("alice/second", "BillingSynced")).toMatchObject({ status: "False", reason: "NoBillingAccount" });
    expect(bench.claim(second)?.spec).toMatchObject({ state: "Proven", rows: [] });
    putAccount("alice");
    await bench.until("the second", () => bench.hostnames().includes(second));
  });

  it("loses nothing of what it has, whatever the class makes of free", async () => {
    bill(1);
    const first = ask("alice/first", "first");
    await bench.until("the free one", () => bench.hostnames().includes(first));
    bench.publish("alice/first");
    await bench.until("it to be live", () => bench.condition("alice/first", "Ready")?.status === "True");
    bill(0);
    await rounds(5);
    expect(bench.hostnames()).toContain(first);
    expect(bench.condition("alice/first", "Ready")).toMatchObject({ status: "True", reason: "Live" });
    expect(bench.condition("alice/first", "HostnameActive")?.status).toBe("True");
    expect(bench.condition("alice/first", "BillingSynced")).toMatchObject({ status: "False", reason: "NoBillingAccount" });
  });

  it("may still pair a domain that it has with its www, which is billed to nobody", async () => {
    bill(1);
    const ask = (wwwRedirect: string) => bench.putDomain("alice/apex", { domain: suffix, className: "billed", wwwRedirect });
    bench.publishProof("alice", suffix);
    ask("Disabled");
    await bench.until("the row", () => bench.hostnames().includes(suffix));
    bill(0);
    ask("Auto");
    await bench.until("the twin", () => bench.hostnames().includes(`www.${suffix}`));
    expect(bench.claim(suffix)?.spec.rows.map(({ role }) => role)).toEqual(["Primary", "Redirect"]);
  });

  it("counts on its own: not what other namespaces have, and a www twin is no domain", async () => {
    bill(2);
    const apex = suffix;
    bench.publishProof("alice", apex);
    bench.putDomain("alice/apex", { domain: apex, className: "billed" });
    await bench.until("the pair", () => bench.claim(apex)?.spec.rows.length === 2);
    const names = [ask("alice/second", "second"), ask("bob/first", "first"), ask("bob/second", "second-of-bob")];
    await rounds(3);
    for (const name of names) expect(bench.hostnames()).toContain(name);
    const third = ask("alice/third", "third");
    await rounds(5);
    expect(bench.hostnames()).not.toContain(third);
  });

  it("goes unbilled where none is required", async () => {
    bill(0, "Optional");
    const name = ask("alice/shop", "shop");
    await bench.until("the row", () => bench.hostnames().includes(name));
    expect(bench.condition("alice/shop", "BillingSynced")).toMatchObject({ status: "True", reason: "Unbilled" });
  });
});
