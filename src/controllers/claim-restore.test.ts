import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "./claim-bench.fixture.ts";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = (ms: number) => new Date(ms).toISOString();
const stateOf = (name: string) => bench.claim(name)?.spec.state;
const ready = (key: string) => bench.condition(key, "Ready")?.status;

async function rounds(count: number, ms: number): Promise<void> {
  for (let round = 0; round < count; round += 1) await bench.round(ms);
}

function writes() {
  const { posts, patches, deletes } = bench.world.cloudflare.ledger();
  return { posts, patches, deletes };
}

describe("objects that come back with new uids", () => {
  it("are rebound before anybody asks what is allowed today: nothing is made, changed or deleted", async () => {
    const policed = { policy: {} };
    bench.putClass("policed", policed, false);
    for (const index of [0, 1, 2]) await bench.connect(`alice/d${index}`, `d${index}.restored.se`, { className: "policed" });
    const times = [0, 1, 2].map((index) => bench.domain(`alice/d${index}`)?.status?.verifiedAt);
    const before = writes();
    bench.putClass("policed", {
      policy: { reservedDomains: ["restored.se"], allowedNamespaces: { matchLabels: { tier: "gold" } } },
    });
    await bench.restart();
    for (const index of [0, 1, 2]) bench.restore(`alice/d${index}`);
    await rounds(4, 30 * MINUTE);
    expect([0, 1, 2].map((index) => ready(`alice/d${index}`))).toEqual(["True", "True", "True"]);
    expect([0, 1, 2].map((index) => bench.domain(`alice/d${index}`)?.status?.verifiedAt)).toEqual(times);
    expect(writes()).toEqual(before);
  });

  it("without className are rebound though there are two defaults now", async () => {
    await bench.connect("alice/shop", "default.restored.se");
    const before = writes();
    bench.putClass("another-default", {}, true);
    bench.restore("alice/shop");
    await rounds(4, 30 * MINUTE);
    bench.api.delete("customdomainclasses", "another-default");
    expect(ready("alice/shop")).toBe("True");
    expect(writes()).toEqual(before);
  });

  it("are no orphans while their class is not back yet", async () => {
    bench.putClass("late-class");
    await bench.connect("alice/shop", "late.restored.se", { className: "late-class" });
    const before = writes();
    bench.api.delete("customdomainclasses", "late-class");
    bench.restore("alice/shop");
    await rounds(8, 30 * MINUTE);
    expect(bench.claim("late.restored.se")?.spec).toMatchObject({ state: "Proven" });
    expect(bench.claim("late.restored.se")?.spec).not.toHaveProperty("orphanedTime");
    bench.putClass("late-class");
    await bench.until("it to be live", () => ready("alice/shop") === "True");
    expect(writes()).toEqual(before);
  });

  it("are orphans where the object of that name stands for another domain", async () => {
    await bench.connect("alice/shop", "first.restored.se");
    bench.strip("alice/shop");
    bench.putDomain("alice/shop", { domain: "second.restored.se" });
    await rounds(8, 20 * MINUTE);
    expect(stateOf("first.restored.se")).toBe("Released");
    expect(stateOf("second.restored.se")).toBe("Pending");
  });
});

describe("a row that no claim records", () => {
  const tombstone = (name: string, createdTime: number, releaseAfterTime: number) =>
    bench.api.put("domainclaims", {
      apiVersion: "customdomains.dev/v1",
      kind: "DomainClaim",
      metadata: { name },
      spec: {
        state: "Released",
        domain: name,
        tenant: "sha256-of-somebody",
        className: "default",
        createdTime: at(createdTime),
        releaseAfterTime: at(releaseAfterTime),
        rows: [],
      },
    });
  const foreign = (hostname: string, createdAt = bench.now) => bench.world.cloudflare.addForeignRow({ hostname, createdAt });

  it("from a POST of a dead leader that arrives after the release: the release is reopened and the row goes", async () => {
    await bench.connect("alice/shop", "dead-leader.se");
    await bench.world.pass(30 * DAY);
    bench.api.delete("customdomains", "alice/shop");
    await bench.until("the release", () => stateOf("dead-leader.se") === "Released");
    await bench.world.pass(30_000);
    foreign("dead-leader.se");
    await bench.until("it to be reopened", () => stateOf("dead-leader.se") === "Releasing");
    await bench.until("the row to go", () => stateOf("dead-leader.se") === "Released");
    expect(bench.hostnames()).not.toContain("dead-leader.se");
  });

  it("that an administrator made days into the cool-down stays", async () => {
    await bench.connect("alice/shop", "by-hand.se");
    bench.api.delete("customdomains", "alice/shop");
    await bench.until("the release", () => stateOf("by-hand.se") === "Released");
    await bench.world.pass(3 * DAY);
    foreign("by-hand.se");
    await rounds(5, MINUTE);
    expect(bench.hostnames()).toContain("by-hand.se");
    expect(stateOf("by-hand.se")).toBe("Released");
    await bench.world.pass(5 * DAY);
    await bench.until("the end of the cool-down", () => bench.claim("by-hand.se") === undefined);
    expect(bench.hostnames()).toContain("by-hand.se");
  });

  it("of a name whose old tombstone came out of a backup stays", async () => {
    foreign("newer.se", bench.now - HOUR);
    tombstone("newer.se", bench.now - 90 * DAY, bench.now + DAY);
    await rounds(5, MINUTE);
    expect(stateOf("newer.se")).toBe("Released");
    expect(bench.hostnames()).toContain("newer.se");
  });

  it("under the www of an apex that goes without its twin stays when the apex is deleted", async () => {
    await bench.connect("alice/apex", "without.se", { wwwRedirect: "Disabled" });
    await bench.world.pass(60 * DAY);
    foreign("www.without.se");
    bench.api.delete("customdomains", "alice/apex");
    await bench.until("the release", () => stateOf("without.se") === "Released");
    expect(bench.hostnames().filter((name) => name.endsWith("without.se"))).toEqual(["www.without.se"]);
  });

  it("is found when the process died right after its POST, however late the deletion is", async () => {
    bench.putDomain("alice/shop", { domain: "unseen.se", wwwRedirect: "Disabled" });
    bench.publishProof("alice", "unseen.se");
    await bench.reconcile("alice/shop");
    const made = (): boolean => bench.hostnames().includes("unseen.se");
    for (let write = 1; !made(); write += 1) {
      bench.dieAfter(1);
      await bench.reconcile("alice/shop");
      await bench.restart();
      if (write > 10) throw new Error("no row was made");
    }
    bench.editClaim("unseen.se", { rows: [] });
    bench.api.delete("customdomains", "alice/shop");
    await bench.world.pass(40 * DAY);
    await bench.until("the release", () => stateOf("unseen.se") === "Released");
    expect(bench.hostnames()).not.toContain("unseen.se");
  });

  it("is left alone where many released names have one at once: that is a restore", async () => {
    const names = [...Array(25).keys()].map((index) => `d${index}.mass-restore.se`);
    for (const name of names) {
      tombstone(name, bench.now, bench.now + DAY);
      foreign(name);
    }
    await rounds(4, 20_000);
    expect(bench.hostnames().filter((name) => name.endsWith("mass-restore.se"))).toHaveLength(25);
    expect(names.map(stateOf).filter((state) => state !== "Released")).toEqual([]);
  });
});
