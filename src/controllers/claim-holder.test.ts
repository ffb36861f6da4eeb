import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANNOTATION_RECHECK } from "../api/v1/group.ts";
import { ClaimBench } from "./claim-bench.fixture.ts";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
  bench.putClass("other", { ownership: { issuer: "another-issuer" } });
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const reason = (key: string, type: string) => bench.condition(key, type)?.reason;

describe("what a claim has pinned", () => {
  it("a re-created object with another class is never served by it, not even once", async () => {
    await bench.connect("alice/shop", "recreated.alice-pottery.se");
    bench.strip("alice/shop");
    bench.putDomain("alice/shop", { domain: "recreated.alice-pottery.se", className: "other" });
    for (let round = 0; round < 4; round += 1) {
      await bench.round();
      expect(bench.domain("alice/shop")?.status?.className).not.toBe("other");
    }
    expect(reason("alice/shop", "Stalled")).toBe("ClassChangeNotSupported");
    expect(bench.claim("recreated.alice-pottery.se")?.spec).toMatchObject({ state: "Proven", className: "default" });
  });

  it("an edited class stalls the object, while proof and grace go on", async () => {
    await bench.connect("alice/shop", "edited.alice-pottery.se");
    bench.putDomain("alice/shop", { domain: "edited.alice-pottery.se", className: "other" });
    await bench.round();
    expect(reason("alice/shop", "Ready")).toBe("ClassChangeNotSupported");
    expect(bench.domain("alice/shop")?.status?.verified).toBe(true);
    bench.unpublishProof("alice", "edited.alice-pottery.se");
    await bench.until(
      "the loss to be noted",
      () => bench.claim("edited.alice-pottery.se")?.spec.proofLostTime !== undefined,
      HOUR,
    );
    bench.putDomain("alice/shop", { domain: "edited.alice-pottery.se", className: "default" });
    bench.publishProof("alice", "edited.alice-pottery.se");
    await bench.until("it to be well again", () => bench.condition("alice/shop", "Ready")?.status === "True");
    expect(bench.condition("alice/shop", "Stalled")).toBeUndefined();
  });

  it("the name: a policy that came later takes no live domain down, and refuses the next one", async () => {
    bench.putClass("strict");
    await bench.connect("alice/shop", "reserved.alice-pottery.se", { className: "strict" });
    bench.putClass("strict", {
      policy: { reservedDomains: ["alice-pottery.se"] },
      dns: { apex: { mode: "Unsupported", addresses: [] } },
    });
    bench.putDomain("alice/new", { domain: "new.alice-pottery.se", className: "strict" });
    await bench.round();
    expect(bench.condition("alice/shop", "Ready")?.status).toBe("True");
    expect(reason("alice/new", "Stalled")).toBe("InvalidDomain");
  });

  it("an issuer: a name that another class of the same tenant released is its own still", async () => {
    await bench.connect("alice/shop", "issuer.alice-pottery.se");
    bench.api.delete("customdomains", "alice/shop");
    await bench.until("it to be gone", () => bench.domain("alice/shop") === undefined);
    bench.putDomain("alice/again", { domain: "issuer.alice-pottery.se", className: "other" });
    await bench.round();
    expect(reason("alice/again", "Claimed")).toBe("Claimed");
  });

  it("a class that is gone: what is known stays, and the message does not send anybody to another class", async () => {
    bench.putClass("doomed");
    await bench.connect("alice/shop", "doomed.alice-pottery.se", { className: "doomed" });
    bench.api.delete("customdomainclasses", "doomed");
    await bench.round();
    expect(bench.condition("alice/shop", "Claimed")).toMatchObject({ reason: "ClassNotFound" });
    expect(bench.condition("alice/shop", "Claimed")?.message).not.toMatch(/names another/);
    expect(bench.domain("alice/shop")?.status).toMatchObject({ verified: true, domain: "doomed.alice-pottery.se" });
    bench.api.delete("customdomains", "alice/shop");
    await bench.until("it to be gone all the same", () => bench.domain("alice/shop") === undefined);
    expect(bench.claim("doomed.alice-pottery.se")?.spec.state).toBe("Releasing");
    bench.putClass("doomed");
    await bench.until("the row to go with the class back", () => !bench.hostnames().includes("doomed.alice-pottery.se"), 60_000);
  });
});

describe("what nobody could find out", () => {
  it("an unproven claim is never live, whatever status says of an earlier one", async () => {
    await bench.connect("alice/shop", "unproven.alice-pottery.se");
    bench.api.delete("domainclaims", "unproven.alice-pottery.se");
    bench.secret = "missing";
    bench.world.dns.addFault({ server: bench.resolver, kind: "servfail" });
    await bench.round();
    bench.world.dns.clearFaults();
    bench.secret = "value";
    expect(bench.claim("unproven.alice-pottery.se")?.spec).not.toHaveProperty("verifiedTime");
    expect(bench.condition("alice/shop", "Ready")?.status).toBe("False");
  });

  it("ProviderOnly: a restart does not make a live domain flap, nor give an unseen row up", async () => {
    bench.putClass("single", { ownership: { proof: "ProviderOnly" } });
    bench.putDomain("alice/shop", { domain: "single.alice-pottery.se", className: "single" });
    await bench.until("the records", () => (bench.domain("alice/shop")?.status?.verificationRecords ?? []).length > 0);
    bench.publish("alice/shop");
    await bench.until("it to be live", () => bench.condition("alice/shop", "Ready")?.status === "True");
    await bench.restart();
    await bench.reconcile("alice/shop");
    expect(bench.condition("alice/shop", "OwnershipVerified")?.status).toBe("True");
    expect(bench.condition("alice/shop", "Ready")?.status).toBe("True");
  });

  it("a copy that is behind is read anew after a conflict", async () => {
    bench.putDomain("alice/shop", { domain: "behind.alice-pottery.se" });
    await bench.round();
    bench.lagging = true;
    bench.putDomain("alice/shop", { domain: "behind.alice-pottery.se", wwwRedirect: "Disabled" });
    await bench.world.pass(10_000);
    for (let turn = 0; turn < 3; turn += 1) await bench.reconcile("alice/shop");
    bench.lagging = false;
    expect(bench.domain("alice/shop")?.status?.observedGeneration).toBe(2);
  });
});

describe("rule 11: expiry", () => {
  async function expire(name: string): Promise<void> {
    bench.putDomain("alice/shop", { domain: name });
    await bench.until("the claim", () => bench.claim(name) !== undefined);
    await bench.world.pass(31 * DAY);
  }

  it.each([0, 1, 2])("stalls the object and frees the name, also when the process dies after write %i", async (writes) => {
    const name = `expired-${writes}.alice-pottery.se`;
    await expire(name);
    if (writes > 0) bench.dieAfter(writes);
    await bench.until("the end", () => bench.claim(name) === undefined && reason("alice/shop", "Stalled") === "ProofExpired");
    for (let round = 0; round < 3; round += 1) await bench.round(DAY);
    expect(bench.claim(name)).toBeUndefined();
    expect(bench.hostnames()).not.toContain(name);
  });

  it.each(["recheck", "edit"])("until %s: the same value proves it again, on the fast schedule", async (how) => {
    const name = `again-${how}.alice-pottery.se`;
    await expire(name);
    await bench.until("the end", () => bench.claim(name) === undefined && reason("alice/shop", "Stalled") === "ProofExpired");
    const annotations = how === "recheck" ? { annotations: { [ANNOTATION_RECHECK]: "again" } } : {};
    bench.putDomain("alice/shop", { domain: name, ...(how === "edit" ? { wwwRedirect: "Disabled" } : {}) }, annotations);
    await bench.round();
    expect(bench.claim(name)?.spec.state).toBe("Pending");
    const { lastCheckedAt = "", nextCheckAt = "" } = bench.domain("alice/shop")?.status ?? {};
    expect(Date.parse(nextCheckAt) - Date.parse(lastCheckedAt)).toBeLessThan(10_000);
    bench.publish("alice/shop");
    await bench.until("it to be live", () => bench.condition("alice/shop", "Ready")?.status === "True");
  });

  it("an edit while the name is still being released is not lost", async () => {
    const name = "edited-late.alice-pottery.se";
    await expire(name);
    await bench.reconcile("alice/shop");
    expect(bench.claim(name)?.spec.state).toBe("Releasing");
    bench.putDomain("alice/shop", { domain: name, wwwRedirect: "Disabled" });
    for (let turn = 0; turn < 3; turn += 1) await bench.reconcile("alice/shop");
    await bench.until("it to be claimed anew", () => bench.claim(name)?.spec.state === "Pending");
    expect(bench.condition("alice/shop", "Stalled")).toBeUndefined();
  });

  it("warns three days before, once", async () => {
    bench.putDomain("alice/shop", { domain: "warned.alice-pottery.se" });
    await bench.until("the claim", () => bench.claim("warned.alice-pottery.se") !== undefined);
    await bench.world.pass(26.9 * DAY);
    for (let round = 0; round < 12; round += 1) await bench.round(4 * HOUR);
    expect(bench.events.filter((event) => event === "ProofExpiring")).toHaveLength(1);
  });
});

describe("admission", () => {
  it("a recheck of a refused domain is answered", async () => {
    bench.putDomain(
      "alice/shop",
      { domain: "nothing.alice-pottery.se", className: "missing" },
      { annotations: { [ANNOTATION_RECHECK]: "t" } },
    );
    await bench.round();
    expect(bench.domain("alice/shop")?.status?.lastHandledRecheck).toBe("t");
    expect(reason("alice/shop", "Ready")).toBe("ClassNotFound");
  });

  it("reclaiming a released name counts for the quota like claiming one", async () => {
    bench.putClass("small", { policy: { maxDomainsPerNamespace: 1 } });
    bench.putDomain("bob/one", { domain: "one.bob-tea.co.uk", className: "small" });
    await bench.until("the claim", () => bench.claim("one.bob-tea.co.uk") !== undefined);
    bench.api.delete("customdomains", "bob/one");
    await bench.until("it to be gone", () => bench.domain("bob/one") === undefined);
    bench.putDomain("bob/two", { domain: "two.bob-tea.co.uk", className: "small" });
    await bench.until("the second claim", () => bench.claim("two.bob-tea.co.uk") !== undefined);
    bench.putDomain("bob/one", { domain: "one.bob-tea.co.uk", className: "small" });
    await bench.round();
    expect(reason("bob/one", "Claimed")).toBe("QuotaExceeded");
    bench.api.delete("customdomains", "bob/two");
    await bench.until("room", () => reason("bob/one", "Claimed") === "Claimed", 60_000);
  });
});
