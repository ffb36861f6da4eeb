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
  HOUR,
  ISSUER,
  NOW,
  PAST,
  PROVIDER_ONLY,
  pending,
  proveBy,
  proven,
  ROW,
  retainedClaim,
  tombstone,
} from "./claim.testing.ts";
import { decideEndOfRelease, decideOrphan, decideTombstone, fuseBlown, retained } from "./claim-release.ts";
import { tenantHash } from "./claim-spec.ts";

const now = ago(0);
const LOST = { own: "none", holders: "none" } as const;
const COOLDOWN = 7 * DAY;

function finish(claim: DomainClaimSpec, holder: "alive" | "deleting" | "gone") {
  return decideEndOfRelease({ claim, holder, issuer: ISSUER, cooldownMs: COOLDOWN, now: NOW });
}

describe("rule 8: Releasing", () => {
  const releasing = proven({ ...PAST, state: "Releasing", proofLostTime: ago(30 * DAY) });

  it.each([
    ["the holder", ALICE],
    ["another of its tenant", claimant("alice", { name: "b", uid: "2" })],
    ["another tenant", BOB],
  ] as const)("nobody can take the name, not even %s with its proof", (_, who) => {
    expect(claimBy(who, releasing, { holderGone: true })).toEqual({ kind: "refused", reason: "NameReleasing" });
    expect(proveBy(who, releasing, { own: "all", holders: "none" })).toEqual({ kind: "keep" });
  });
  it("(b) holder alive, once proven: Pending without rows, history and proof, createdTime = now", () => {
    expect(finish(releasing, "alive")).toEqual({ kind: "update", spec: pending({ createdTime: now }) });
  });
  it("(c) holder alive, never proven: the claim goes", () => {
    expect(finish(pending({ state: "Releasing", rows: [ROW] }), "alive")).toEqual({ kind: "delete" });
  });
  it.each(["deleting", "gone"] as const)(
    "holder %s: Released without holder and id, tenant hashed, for the cool-down",
    (holder) => {
      const spec = {
        state: "Released",
        domain: DOMAIN,
        tenant: tenantHash(ISSUER, DOMAIN, "alice"),
        className: "default",
        createdTime: now,
        releaseAfterTime: ago(-COOLDOWN),
        rows: [],
      };
      expect(finish(releasing, holder)).toEqual({ kind: "update", spec });
    },
  );
  it("never Proven and never a row: ten minutes", () => {
    expect(finish(pending({ state: "Releasing" }), "deleting")).toMatchObject({ spec: { releaseAfterTime: ago(-10 * 60_000) } });
  });
  it.each([
    ["a row of an unproven name", pending({ state: "Releasing", rows: [ROW] })],
    ["a proof without a row", proven({ state: "Releasing", rows: [] })],
  ])("%s: the whole cool-down", (_, claim) => {
    expect(finish(claim, "deleting")).toMatchObject({ spec: { releaseAfterTime: ago(-COOLDOWN) } });
  });
  it.each([
    ["reclaimed and given up again", pending({ state: "Releasing", releaseAfterTime: ago(-5 * DAY) }), "deleting"],
    [
      "a tombstone that was reopened for a row that had gone",
      tombstone({ state: "Releasing", releaseAfterTime: ago(-5 * DAY) }),
      "gone",
    ],
  ] as const)("never shortens a cool-down that runs: %s", (_, claim, holder) => {
    expect(finish(claim, holder)).toMatchObject({ spec: { releaseAfterTime: ago(-5 * DAY) } });
  });
  it("a tombstone that rule 13 reopened: its tenant is hashed already", () => {
    const claim = tombstone({ state: "Releasing", rows: [ROW] });
    expect(finish(claim, "gone")).toMatchObject({ spec: { state: "Released", tenant: claim.tenant, rows: [] } });
  });
  it("Retain: holder, tenant and rows kept, no releaseAfterTime", () => {
    const claim = proven({ ...PAST, releaseAfterTime: ago(-DAY) });
    const { releaseAfterTime: _, ...kept } = claim;
    expect(retained(claim)).toEqual({ ...kept, state: "Released" });
  });
});

describe("rule 11: lapse and expiry", () => {
  it("a complete answer lacks proofValue: proofLostTime, once", () => {
    expect(proveBy(ALICE, proven(), LOST)).toEqual({ kind: "update", why: "ProofLost", spec: proven({ proofLostTime: now }) });
    expect(proveBy(ALICE, proven({ proofLostTime: ago(DAY) }), LOST)).toEqual({ kind: "keep" });
  });
  it("back: cleared", () => {
    const decision = proveBy(ALICE, proven({ proofLostTime: ago(8 * DAY) }), { own: "all", holders: "all" });
    expect(decision).toEqual({ kind: "update", why: "ProofRestored", spec: proven() });
  });
  it.each([{ own: "some", holders: "some" } as const, "unknown" as const])("neither for a doubtful answer", (found) => {
    expect(proveBy(ALICE, proven(), found)).toEqual({ kind: "keep" });
    expect(proveBy(ALICE, proven({ proofLostTime: ago(30 * DAY) }), found)).toEqual({ kind: "keep" });
  });
  it("lost for the grace period and still lost: Releasing, all else kept", () => {
    const claim = proven({ proofLostTime: ago(7 * DAY) });
    expect(proveBy(ALICE, claim, LOST)).toEqual({ kind: "update", why: "Lapsed", spec: { ...claim, state: "Releasing" } });
    expect(proveBy(ALICE, proven({ proofLostTime: ago(7 * DAY - 1) }), LOST)).toEqual({ kind: "keep" });
  });
  it("not while the fuse is blown, and not under ProviderOnly", () => {
    const claim = proven({ proofLostTime: ago(8 * DAY) });
    expect(proveBy(ALICE, claim, LOST, { lapseAllowed: false })).toEqual({ kind: "keep" });
    expect(proveBy(ALICE, claim, LOST, { policy: PROVIDER_ONLY })).toEqual({ kind: "keep" });
  });
  it("Pending longer than the expiry: Releasing", () => {
    const claim = pending({ createdTime: ago(30 * DAY) });
    expect(proveBy(ALICE, claim, LOST)).toEqual({ kind: "update", why: "Expired", spec: { ...claim, state: "Releasing" } });
    expect(proveBy(ALICE, pending({ createdTime: ago(30 * DAY - 1) }), LOST)).toEqual({ kind: "keep" });
  });
  it("not before DNS was looked at: an operator that was away for a month takes nothing from anybody", () => {
    expect(proveBy(ALICE, pending({ createdTime: ago(60 * DAY) }), "unknown")).toEqual({ kind: "keep" });
  });
  it("under ProviderOnly the hostname that is not active is the look, one that was not seen is none", () => {
    const claim = pending({ createdTime: ago(30 * DAY) });
    expect(proveBy(ALICE, claim, "unknown", { policy: PROVIDER_ONLY })).toMatchObject({ why: "Expired" });
    const unseen = { policy: PROVIDER_ONLY, hostnameActive: undefined };
    expect(proveBy(ALICE, claim, "unknown", unseen)).toEqual({ kind: "keep" });
  });
  it.each([
    [20, 199, true],
    [20, 200, false],
    [19, 19, false],
    [21, 209, true],
    [0, 0, false],
  ])("fuse: %i of %i → %s", (affected, total, blown) => {
    expect(fuseBlown(affected, total)).toBe(blown);
  });
});

describe("rule 12: orphans", () => {
  const orphaned = proven({ orphanedTime: ago(HOUR) });
  const decide = (claim: DomainClaimSpec, holder: "present" | "gone" | "unknown", blown = false) =>
    decideOrphan({ claim, holder, fuseBlown: blown, now: NOW });

  it.each([pending(), proven()])("the holder is gone: orphanedTime ($state)", (claim) => {
    expect(decide(claim, "gone")).toEqual({ kind: "update", why: "Orphaned", spec: { ...claim, orphanedTime: now } });
  });
  it("still gone after an hour: Releasing", () => {
    expect(decide(orphaned, "gone")).toEqual({
      kind: "update",
      why: "OrphanReleased",
      spec: { ...orphaned, state: "Releasing" },
    });
    expect(decide(proven({ orphanedTime: ago(HOUR - 1) }), "gone")).toEqual({ kind: "keep" });
  });
  it("there again: cleared", () => {
    expect(decide(orphaned, "present")).toEqual({ kind: "update", why: "NotOrphaned", spec: proven() });
    expect(decide(proven(), "present")).toEqual({ kind: "keep" });
  });
  it.each([
    ["unknown counts for nothing", orphaned, "unknown", false],
    ["a blown fuse stops the release", orphaned, "gone", true],
    ["Releasing is under way already", proven({ state: "Releasing" }), "gone", false],
    ["a retained name has no holder to miss", retainedClaim(), "gone", false],
  ] as const)("%s", (_, claim, holder, blown) => {
    expect(decide(claim, holder, blown)).toEqual({ kind: "keep" });
  });
});

describe("rule 13: tombstones", () => {
  const decide = (claim: DomainClaimSpec, lateRow: boolean, blown = false) =>
    decideTombstone(claim, { lateRow, fuseBlown: blown, now: NOW });

  it("a late row: release again; else deleted at releaseAfterTime, not before", () => {
    expect(decide(tombstone(), true)).toBe("release");
    expect(decide(tombstone({ releaseAfterTime: ago(DAY) }), true)).toBe("release");
    expect(decide(tombstone({ releaseAfterTime: now }), false)).toBe("delete");
    expect(decide(tombstone({ releaseAfterTime: ago(-1) }), false)).toBe("keep");
  });
  it("a retained name stays, whatever its rows", () => {
    expect(decide(retainedClaim(), true)).toBe("keep");
    expect(decide(retainedClaim(), false)).toBe("keep");
  });
  it("many late rows at once release nothing, and no tombstone goes while it has one", () => {
    expect(decide(tombstone(), true, true)).toBe("keep");
    expect(decide(tombstone({ releaseAfterTime: ago(DAY) }), true, true)).toBe("keep");
  });
  it("the hash tells tenants, names and installations apart, and never shows the tenant", () => {
    const hashes = [
      tenantHash("a", "x.com", "t"),
      tenantHash("b", "x.com", "t"),
      tenantHash("a", "y.com", "t"),
      tenantHash("a", "x.com", "u"),
    ];
    expect(new Set(hashes).size).toBe(4);
    expect(tenantHash(ISSUER, DOMAIN, "alice")).toMatch(/^sha256-[0-9a-f]{40}$/);
  });
});
