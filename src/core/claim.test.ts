import { describe, expect, it } from "vitest";
import type { DomainClaimSpec } from "../api/v1/domain-claim.ts";
import {
  ALICE,
  ago,
  BOB,
  claimant,
  claimBy,
  DAY,
  DOMAIN,
  givenTo,
  HOUR,
  NOW,
  PAST,
  PROVIDER_ONLY,
  pending,
  proveBy,
  proven,
  REQUIRED,
  ROW,
  retainedClaim,
  tombstone,
  txtOf,
} from "./claim.testing.ts";
import { mayProvision } from "./claim.ts";
import { TRANSFER_AFTER_LOST_MS } from "./claim-proof.ts";

const now = ago(0);
const PRESENT = { own: "all", holders: "all" } as const;
const ABSENT = { own: "none", holders: "none" } as const;
const TAKES = { own: "all", holders: "none" } as const;

describe("rule 1: none → Pending", () => {
  it("creates the claim with holder, tenant, id, class and the time", () => {
    const { namespace, name, uid } = ALICE;
    const spec = { state: "Pending", holder: { namespace, name, uid }, tenant: "alice", id: ALICE.id, className: "default" };
    expect(claimBy(ALICE, undefined)).toEqual({
      kind: "create",
      spec: { ...spec, domain: DOMAIN, createdTime: now, rows: [] },
    });
  });
  it.each(["Pending", "Proven"] as const)("after a 409 that shows holder = me (%s), nothing is to be written", (state) => {
    expect(claimBy(ALICE, state === "Pending" ? pending() : proven())).toEqual({ kind: "held" });
  });
});

describe("rule 2: rebind and succession within a tenant", () => {
  const recreated = claimant("alice", { uid: "uid-2", id: "another-id", className: "another" });
  it.each([pending(PAST), proven(PAST)])(
    "a holder of the same name with another uid: only uid and orphanedTime change ($state)",
    (claim) => {
      const { orphanedTime: _, ...kept } = claim;
      const holder = { namespace: ALICE.namespace, name: ALICE.name, uid: "uid-2" };
      expect(claimBy(recreated, claim)).toEqual({ kind: "update", why: "Rebound", spec: { ...kept, holder } });
    },
  );
  it("not for a namespace that belongs to another tenant now", () => {
    const strangers = claimant("mallory", { namespace: ALICE.namespace });
    expect(claimBy(strangers, proven())).toEqual({ kind: "refused", reason: "DomainAlreadyOwned" });
  });

  const sibling = claimant("alice", { namespace: "alice-2", uid: "uid-2", id: "sibling-id", className: "another" });
  it("another object of the same tenant asks for the holder first", () => {
    expect(claimBy(sibling, proven())).toEqual({ kind: "askHolder" });
  });
  it("a living holder is never displaced", () => {
    expect(claimBy(sibling, proven(), { holderGone: false })).toEqual({ kind: "refused", reason: "DomainExists" });
  });
  it("the oldest takes over from a holder that is gone: holder, id and class are its own, the rest is kept", () => {
    const { orphanedTime: _, ...kept } = proven(PAST);
    const holder = { namespace: "alice-2", name: "shop", uid: "uid-2" };
    const spec = { ...kept, holder, id: "sibling-id", className: "another" };
    expect(claimBy(sibling, proven(PAST), { holderGone: true })).toEqual({ kind: "update", why: "TakenOver", spec });
  });
  it("a younger one waits", () => {
    const decision = claimBy(sibling, proven(), { holderGone: true, firstInLine: false });
    expect(decision).toEqual({ kind: "refused", reason: "DomainExists" });
  });
});

describe("rule 2: the holder's namespace is given another tenant", () => {
  const moved = claimant("mallory", { ...ALICE, tenant: "mallory" });
  const sibling = claimant("alice", { namespace: "alice-2", uid: "uid-2" });
  const retenanted = (claim: DomainClaimSpec) => {
    const { proofLostTime: _, ...kept } = claim;
    return { ...kept, tenant: "mallory", proofValue: txtOf("mallory") };
  };

  it("what the new tenant proves is asked for; nothing else changes, and its grace begins anew", () => {
    const claim = proven(PAST);
    const decision = claimBy(moved, claim, { holderTenant: givenTo("mallory") });
    expect(decision).toEqual({ kind: "update", why: "Retenanted", spec: retenanted(claim) });
  });
  it("a claim that needs no value gets none", () => {
    const { proofValue: _, ...withoutValue } = proven();
    for (const claim of [pending(), withoutValue]) {
      const decision = claimBy(moved, claim, { holderTenant: givenTo("mallory") });
      expect(decision).toEqual({ kind: "update", why: "Retenanted", spec: { ...claim, tenant: "mallory" } });
    }
  });
  it("the old tenant's other object sees to it as well, once it knows that the holder lives", () => {
    const holderTenant = givenTo("mallory");
    expect(claimBy(sibling, proven(), { holderTenant })).toEqual({ kind: "askHolder" });
    const decision = claimBy(sibling, proven(), { holderTenant, holderGone: false });
    expect(decision).toEqual({ kind: "update", why: "Retenanted", spec: retenanted(proven()) });
    expect(claimBy(sibling, proven(), { holderTenant, holderGone: true })).toMatchObject({ why: "TakenOver" });
  });
  it("then the old tenant's own record brings the name back to it, and the new one keeps nothing by it", () => {
    const claim = { ...retenanted(proven()), proofLostTime: ago(TRANSFER_AFTER_LOST_MS) };
    expect(claimBy(sibling, claim, { holderTenant: givenTo("mallory") })).toEqual({
      kind: "refused",
      reason: "DomainAlreadyOwned",
    });
    expect(proveBy(moved, retenanted(proven()), ABSENT)).toMatchObject({ why: "ProofLost" });
    expect(proveBy(sibling, claim, TAKES)).toMatchObject({ why: "Transferred", spec: { tenant: "alice" } });
  });
  it.each([
    ["it has the tenant still", givenTo("alice")],
    ["nobody knows its namespace", undefined],
  ])("not where %s", (_, holderTenant) => {
    expect(claimBy(ALICE, proven(), { holderTenant })).toEqual({ kind: "held" });
    expect(claimBy(sibling, proven(), { holderTenant, holderGone: false })).toEqual({ kind: "refused", reason: "DomainExists" });
  });
});

describe("rule 3: Pending → Proven", () => {
  const value = { state: "Proven", provenTime: now };
  it("the holder, once every server that answered has its value", () => {
    const spec = { ...pending(), ...value, proofValue: txtOf("alice") };
    expect(proveBy(ALICE, pending(), { own: "all", holders: "some" })).toEqual({ kind: "update", why: "Proven", spec });
  });
  it.each(["some", "none"] as const)("not when %s of the servers have it", (own) => {
    expect(proveBy(ALICE, pending(), { own, holders: "some" })).toEqual({ kind: "keep" });
  });
  it("ends the cool-down of a reclaimed name", () => {
    const decision = proveBy(ALICE, pending({ releaseAfterTime: ago(-DAY) }), PRESENT);
    expect(decision).toMatchObject({ why: "Proven", spec: expect.not.objectContaining({ releaseAfterTime: expect.anything() }) });
  });
  it("any object of another tenant: holder changed, history cleared, rows and createdTime stay and are marked", () => {
    const claim = pending({ ...PAST, rows: [ROW] });
    const spec = { ...pending({ ...value, state: "Proven", createdTime: claim.createdTime }, BOB), proofValue: txtOf("bob") };
    expect(proveBy(BOB, claim, TAKES)).toEqual({
      kind: "update",
      why: "TakenOverByProof",
      spec: { ...spec, rows: [{ ...ROW, handedOver: true }] },
    });
  });
  it("nobody of the holder's own tenant", () => {
    expect(proveBy(claimant("alice", { name: "b", uid: "2" }), pending(), TAKES)).toEqual({ kind: "keep" });
  });
  it("ProviderOnly: the holder, when the hostname is active", () => {
    const decision = proveBy(ALICE, pending(), "unknown", { policy: PROVIDER_ONLY, hostnameActive: true });
    expect(decision).toEqual({ kind: "update", why: "Proven", spec: { ...pending(), ...value } });
  });
  it.each([
    ["a contender", BOB, true],
    ["the holder before the hostname is active", ALICE, false],
  ] as const)("ProviderOnly: not %s", (_, who, hostnameActive) => {
    expect(proveBy(who, pending(), PRESENT, { policy: PROVIDER_ONLY, hostnameActive })).toEqual({ kind: "keep" });
  });
});

describe("rule 4: transfer of a proven name", () => {
  const lost = (ms: number) => proven({ verifiedTime: ago(30 * DAY), proofLostTime: ago(ms) });
  it("contender's value present, holder's absent in the same answer, lost for 24 h", () => {
    const transferred = proveBy(BOB, lost(TRANSFER_AFTER_LOST_MS), TAKES);
    const { verifiedTime: _, proofLostTime: __, ...rest } = lost(0);
    const holder = { namespace: BOB.namespace, name: BOB.name, uid: BOB.uid };
    const won = { holder, tenant: "bob", id: BOB.id, provenTime: now, proofValue: txtOf("bob") };
    const rows = [{ ...ROW, handedOver: true }];
    expect(transferred).toEqual({ kind: "update", why: "Transferred", spec: { ...rest, ...won, rows } });
  });
  it.each([
    ["lost for less than 24 h", lost(TRANSFER_AFTER_LOST_MS - 1), TAKES],
    ["the holder's value is still at some servers", lost(2 * DAY), { own: "all", holders: "some" }],
    ["the holder's value is back", lost(2 * DAY), { own: "all", holders: "all" }],
    ["the contender's value is not at all servers", lost(2 * DAY), { own: "some", holders: "none" }],
    ["the answer was not complete", lost(2 * DAY), "unknown"],
  ] as const)("not when %s", (_, claim, found) => {
    expect(proveBy(BOB, claim, found)).toEqual({ kind: "keep" });
  });
  it("a contender's look may record the loss, and changes nothing else", () => {
    expect(proveBy(BOB, proven(), ABSENT)).toEqual({ kind: "update", why: "ProofLost", spec: proven({ proofLostTime: now }) });
  });
  it.each([
    ["the contender's class", { policy: PROVIDER_ONLY }],
    ["the holder's class", { holderPolicy: PROVIDER_ONLY }],
    ["the holder's class is gone", { holderPolicy: undefined }],
  ])("both classes must be Required: not %s", (_, changes) => {
    expect(proveBy(BOB, lost(2 * DAY), TAKES, changes)).toEqual({ kind: "keep" });
  });
  it("else the contender is told DomainAlreadyOwned", () => {
    expect(claimBy(BOB, proven())).toEqual({ kind: "refused", reason: "DomainAlreadyOwned" });
    expect(claimBy(BOB, pending())).toEqual({ kind: "refused", reason: "CompetingProof" });
  });
});

describe("rule 5: Released → Pending or Proven", () => {
  it("the same tenant: Pending with createdTime = now and nothing of the past but the cool-down", () => {
    const { releaseAfterTime } = tombstone();
    const spec = { ...pending({ createdTime: now }), releaseAfterTime };
    expect(claimBy(ALICE, tombstone({ provenTime: ago(DAY), verifiedTime: ago(DAY) }))).toEqual({
      kind: "update",
      why: "Reclaimed",
      spec,
    });
  });
  it("a retained name by its tenant: the rows stay, createdTime = now", () => {
    const spec = pending({ createdTime: now, rows: [ROW] });
    expect(claimBy(ALICE, retainedClaim())).toEqual({ kind: "update", why: "Reclaimed", spec });
  });
  it("a reclaimed name has its full time for the proof", () => {
    const reclaimed = claimBy(ALICE, retainedClaim());
    const spec = reclaimed.kind === "update" ? reclaimed.spec : pending();
    expect(proveBy(ALICE, spec, ABSENT)).toEqual({ kind: "keep" });
  });
  it.each([tombstone(), retainedClaim()])("another tenant waits", (claim) => {
    expect(claimBy(BOB, claim)).toEqual({ kind: "refused", reason: "CoolingDown" });
  });
  it.each<[string, DomainClaimSpec, DomainClaimSpec["rows"]]>([
    ["a tombstone", tombstone({ verifiedTime: ago(DAY) }), []],
    ["a retained name, rows handed over", retainedClaim(), [{ ...ROW, handedOver: true }]],
  ])("another tenant by its proof: %s", (_, claim, rows) => {
    const spec = { ...proven({ createdTime: now, provenTime: now }, BOB), rows };
    expect(proveBy(BOB, claim, { own: "all", holders: "all" })).toEqual({ kind: "update", why: "TakenOverByProof", spec });
  });
  it("not under ProviderOnly, and not without the value everywhere", () => {
    expect(proveBy(BOB, tombstone(), TAKES, { policy: PROVIDER_ONLY })).toEqual({ kind: "keep" });
    expect(proveBy(BOB, tombstone(), { own: "some", holders: "none" })).toEqual({ kind: "keep" });
  });
});

describe("rule 6: who may have a row made", () => {
  const base = { claimant: ALICE, proof: "Required", provision: "WhenSafe", pointsAtUs: false, contenders: 0, now: NOW } as const;
  it.each([
    ["Proven", { claim: proven(), pointsAtUs: true, contenders: 3, provision: "AfterProof" }],
    ["Pending under ProviderOnly", { claim: pending(), proof: "ProviderOnly", provision: "AfterProof", pointsAtUs: undefined }],
    ["Pending, WhenSafe and safe", { claim: pending() }],
    ["Pending and safe, after the cool-down", { claim: pending({ releaseAfterTime: now }) }],
  ] as const)("yes: %s", (_, changes) => {
    expect(mayProvision({ ...base, ...changes })).toBe(true);
  });
  it.each([
    ["held by another uid", { claim: proven(), claimant: claimant("alice", { uid: "uid-2" }) }],
    ["held by another tenant", { claim: proven(), claimant: BOB }],
    ["AfterProof", { claim: pending(), provision: "AfterProof" }],
    ["DNS points at us already", { claim: pending(), pointsAtUs: true }],
    ["DNS could not be asked", { claim: pending(), pointsAtUs: undefined }],
    ["a contender exists", { claim: pending(), contenders: 1 }],
    ["the name is cooling down", { claim: pending({ releaseAfterTime: ago(-HOUR) }) }],
    ["Releasing", { claim: proven({ state: "Releasing" }) }],
    ["Released", { claim: retainedClaim(), proof: "ProviderOnly" }],
  ] as const)("no: %s", (_, changes) => {
    expect(mayProvision({ ...base, ...changes })).toBe(false);
  });
});

describe("the class's demand for a proof changes", () => {
  const providerProven = proven({ proofValue: undefined });
  const { proofValue: _, ...withoutValue } = providerProven;
  it("to Required: the first proof is recorded, its absence is a loss, silence is neither", () => {
    const spec = { ...withoutValue, proofValue: txtOf("alice") };
    expect(proveBy(ALICE, withoutValue, PRESENT)).toEqual({ kind: "update", why: "Proven", spec });
    expect(proveBy(ALICE, withoutValue, ABSENT)).toMatchObject({ why: "ProofLost" });
    expect(proveBy(ALICE, withoutValue, "unknown")).toEqual({ kind: "keep" });
    expect(proveBy(BOB, withoutValue, TAKES, { policy: REQUIRED })).toEqual({ kind: "keep" });
  });
  it("to ProviderOnly: what was proven stays", () => {
    expect(proveBy(ALICE, proven(PAST), ABSENT, { policy: PROVIDER_ONLY })).toEqual({ kind: "keep" });
  });
});
