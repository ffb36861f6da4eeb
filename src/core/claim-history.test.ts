import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DomainClaimSpec, domainClaimSpecSchema } from "../api/v1/domain-claim.ts";
import { DAY, DOMAIN, ISSUER, PROVIDER_ONLY, REQUIRED, txtOf } from "./claim.testing.ts";
import { mayProvision } from "./claim.ts";
import { History, PLACES, SPANS, type Step, TENANTS, type Write } from "./claim-history.testing.ts";
import { decideProof, type Presence, TRANSFER_AFTER_LOST_MS } from "./claim-proof.ts";
import { isHolder, tenantHash } from "./claim-spec.ts";

const place = fc.nat({ max: PLACES.length - 1 });
const presence = fc.constantFrom<Presence>("all", "none", "some");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("reconcile" as const), place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("create" as const, "delete" as const, "strip" as const), place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("relabel" as const), place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("publish" as const), tenant: fc.nat({ max: 2 }), found: presence }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("dns" as const), answers: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("class" as const),
      proof: fc.constantFrom("Required" as const, "ProviderOnly" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("retainOnDelete" as const), value: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("claimController" as const, "lateRow" as const, "hostnameActive" as const, "goLive" as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(...SPANS) }) },
);
const tenantAt = (at: number) => TENANTS.indexOf(PLACES[at]?.tenant ?? "alice");
const everybody: readonly Step[] = PLACES.map((_, each) => ({ kind: "reconcile", place: each }));
const wait = fc.constantFrom(...SPANS).map((ms): Step => ({ kind: "wait", ms }));
/** What people do in several steps, which single ones would rarely hit upon. */
const chapter: fc.Arbitrary<readonly Step[]> = fc.oneof(
  step.map((each) => [each]),
  fc.constant(everybody),
  fc
    .tuple(place, wait)
    .map(([at, time]): Step[] => [
      { kind: "create", place: at },
      { kind: "publish", tenant: tenantAt(at), found: "all" },
      { kind: "reconcile", place: at },
      { kind: "goLive" },
      time,
    ]),
  fc
    .tuple(place, wait)
    .map(([at, time]): Step[] => [{ kind: "publish", tenant: tenantAt(at), found: "none" }, ...everybody, time, ...everybody]),
  fc.tuple(place, fc.boolean()).map(([at, again]): Step[] => [
    { kind: "delete", place: at },
    { kind: "reconcile", place: at },
    { kind: "claimController" },
    { kind: "reconcile", place: at },
    ...(again
      ? ([
          { kind: "create", place: at },
          { kind: "reconcile", place: at },
        ] as const)
      : []),
  ]),
  fc.tuple(place, fc.boolean()).map(([at, again]): Step[] => [
    { kind: "strip", place: at },
    { kind: "claimController" },
    { kind: "wait", ms: SPANS[1] },
    ...(again
      ? ([
          { kind: "create", place: at },
          { kind: "reconcile", place: at },
        ] as const)
      : []),
    { kind: "claimController" },
  ]),
  fc.constant<readonly Step[]>([{ kind: "claimController" }, { kind: "lateRow" }, { kind: "claimController" }]),
);
const steps = fc.array(chapter, { minLength: 10, maxLength: 60, size: "max" }).map((chapters) => chapters.flat());

/** Plays histories and has `judge` look at every write. */
function everyWrite(judge: (write: Write, history: History) => void, options: { readonly seed?: number } = {}): void {
  fc.assert(
    fc.property(steps, (script) => {
      const history = new History();
      for (const each of script) {
        const seen = history.writes.length;
        history.play(each);
        for (const write of history.writes.slice(seen)) judge(write, history);
      }
    }),
    { numRuns: 400, ...options },
  );
}

const held = (claim: DomainClaimSpec | undefined) => claim?.state === "Pending" || claim?.state === "Proven";
const sameHolder = (a: DomainClaimSpec | undefined, b: DomainClaimSpec | undefined) => a?.holder?.uid === b?.holder?.uid;
const lostFor = ({ before, now }: Write) => now - Date.parse(before?.proofLostTime ?? "");

describe("random histories", () => {
  it("reach every kind of write", () => {
    const seen = new Set<string>();
    everyWrite(({ why }) => seen.add(why), { seed: 1 });
    const claiming = ["Created", "Rebound", "TakenOver", "Reclaimed", "Retenanted", "Provisioned", "Live"];
    const proving = ["Proven", "TakenOverByProof", "Transferred", "ProofLost", "ProofRestored", "Lapsed", "Expired"];
    const releasing = ["GivenUp", "Retained", "Found", "Finished", "Deleted", "Reopened", "Ended", "Orphaned", "OrphanReleased"];
    expect([...seen].sort()).toEqual([...claiming, ...proving, ...releasing].sort());
  });

  it("write only what the API server would take", () => {
    everyWrite(({ after }) => {
      if (after === undefined) return;
      domainClaimSpecSchema.parse(after);
      if (held(after)) expect([after.holder, after.id, after.className]).not.toContain(undefined);
      if (after.state === "Proven") expect([after.provenTime, after.releaseAfterTime]).toEqual([expect.any(String), undefined]);
      if (after.state === "Released" && after.holder === undefined) expect(after.rows).toEqual([]);
    });
  });

  it("a holder is replaced only as rules 2 to 5 and 8 allow", () => {
    const allowed = new Set([
      "Rebound",
      "TakenOver",
      "TakenOverByProof",
      "Transferred",
      "Reclaimed",
      "Created",
      "Finished",
      "Deleted",
      "Ended",
    ]);
    everyWrite((write) => {
      if (!sameHolder(write.before, write.after)) expect(allowed).toContain(write.why);
    });
  });

  it("a living holder is never displaced within its tenant", () => {
    everyWrite(({ before, after, holderLives }) => {
      if (held(before) && holderLives && after?.tenant === before?.tenant) expect(sameHolder(before, after)).toBe(true);
    });
  });

  it("a name goes to another tenant only by its own proof, a proven one only after 24 h without the holder's", () => {
    everyWrite((write) => {
      const { before, after, by, found } = write;
      if (before === undefined || after === undefined || sameHolder(before, after) || after.holder === undefined) return;
      if (after.tenant === before.tenant || before.tenant === tenantHash(ISSUER, DOMAIN, after.tenant)) return;
      expect(found).toMatchObject({ kind: "asked", own: "all" });
      expect(after).toMatchObject({ tenant: by?.tenant, proofValue: txtOf(after.tenant), state: "Proven" });
      if (before.state !== "Proven") return;
      expect(found).toMatchObject({ holders: "none" });
      expect(lostFor(write)).toBeGreaterThanOrEqual(TRANSFER_AFTER_LOST_MS);
    });
  });

  it("verifiedTime, proofLostTime and orphanedTime never survive a change of tenant by proof", () => {
    everyWrite(({ before, after, why }) => {
      if (before === undefined || after === undefined || before.tenant === after.tenant || why === "Retenanted") return;
      expect(after.verifiedTime).toBeUndefined();
      if (!sameHolder(before, after)) expect([after.proofLostTime, after.orphanedTime]).toEqual([undefined, undefined]);
    });
  });

  it("a holder whose namespace was given another tenant keeps what it has, and has to prove it anew", () => {
    everyWrite(({ before, after, why }) => {
      if (why !== "Retenanted") return;
      const { proofLostTime: _, ...kept } = before ?? {};
      const proofValue = before?.proofValue === undefined ? {} : { proofValue: txtOf(after?.tenant ?? "") };
      expect(after).toEqual({ ...kept, tenant: after?.tenant, ...proofValue });
      expect(after?.tenant).not.toBe(before?.tenant);
    });
  });

  it("a proven claim always asks for a value of its own tenant", () => {
    everyWrite(({ after }) => {
      if (after?.state === "Proven" && after.proofValue !== undefined) expect(after.proofValue).toBe(txtOf(after.tenant));
    });
  });

  it("createdTime moves only when the rows become none, or when a released name is taken again", () => {
    everyWrite(({ before, after }) => {
      if (before === undefined || after === undefined || before.createdTime === after.createdTime) return;
      expect(before.state === "Released" || (before.state === "Releasing" && after.rows.length === 0)).toBe(true);
    });
  });

  it("rows leave a claim only at the end of a release, when they are gone", () => {
    everyWrite(({ before, after, why }, history) => {
      const kept = new Set(after?.rows.map(({ id }) => id));
      const dropped = (before?.rows ?? []).filter(({ id }) => !kept.has(id));
      if (dropped.length === 0) return;
      expect(["Finished", "Deleted", "Found"]).toContain(why);
      for (const { id } of dropped) expect(history.rows.has(id)).toBe(false);
    });
  });

  it("a released name says who had it only where it is retained", () => {
    everyWrite(({ after }) => {
      if (after?.state !== "Released" || after.rows.length > 0) return;
      expect([after.holder, after.id, after.verifiedTime, after.proofValue]).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      expect(JSON.stringify(after)).not.toMatch(new RegExp(TENANTS.join("|")));
    });
  });

  it("from Releasing nobody takes the name", () => {
    everyWrite(({ before, after }) => {
      if (before?.state !== "Releasing" || after?.holder === undefined) return;
      expect(sameHolder(before, after)).toBe(true);
      expect(after.tenant).toBe(before.tenant);
    });
  });

  it("nothing lapses before its grace, nothing expires before its time", () => {
    everyWrite((write) => {
      if (write.why === "Lapsed") expect(lostFor(write)).toBeGreaterThanOrEqual(REQUIRED.gracePeriodMs);
      if (write.why === "Expired")
        expect(write.now - Date.parse(write.before?.createdTime ?? "")).toBeGreaterThanOrEqual(30 * DAY);
    });
  });

  it("a row at Cloudflare always has a claim that answers for it, and after a release none is left", () => {
    everyWrite(({ after, why }, history) => {
      if (why === "Deleted" || why === "Finished") expect([...history.rows.keys()]).toEqual([]);
      if (after === undefined) expect(history.rows.size).toBe(0);
    });
  });

  it("mayProvision is never true for anybody but the holder", () => {
    everyWrite(({ after, now }, history) => {
      if (after === undefined) return;
      for (const who of history.everyone()) {
        const input = { claim: after, claimant: who, provision: "WhenSafe", pointsAtUs: false, contenders: 0, now } as const;
        const may = [REQUIRED, PROVIDER_ONLY].some(({ proof }) => mayProvision({ ...input, proof }));
        expect(may && !(held(after) && isHolder(after, who))).toBe(false);
      }
    });
  });

  it("what nobody could find out changes nothing, however much time has passed", () => {
    everyWrite(({ after, now }, history) => {
      if (after === undefined) return;
      const unknown = { finding: { kind: "unknown" }, hostnameActive: undefined, lapseAllowed: true } as const;
      for (const who of history.everyone()) {
        const common = { claimant: who, claim: after, ownValue: txtOf(who.tenant), ...unknown };
        const decisions = [REQUIRED, PROVIDER_ONLY].map((policy) =>
          decideProof({ ...common, policy, holderPolicy: policy, now: now + 400 * DAY }),
        );
        expect(decisions).toEqual([{ kind: "keep" }, { kind: "keep" }]);
      }
    });
  });
});
