import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANNOTATION_RECHECK } from "../../api/v1/group.ts";
import { ClaimBench } from "../claim-bench.fixture.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SHOP = "alice/shop";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  bench.clear();
  bench.putClass("default", {}, true);
});

const status = () => bench.domain(SHOP)?.status;
const reason = (type: string) => bench.condition(SHOP, type)?.reason;

describe("a domain whose name was given up unproven", () => {
  it("tells of no next check, since none comes, until somebody asks", async () => {
    const name = "expired.alice-pottery.se";
    bench.putClass("default", { ownership: { unprovenExpiryDays: 5 } }, true);
    bench.putDomain(SHOP, { domain: name });
    await bench.until("it to expire", () => reason("Stalled") === "ProofExpired", DAY_MS);
    expect(status()).not.toHaveProperty("nextCheckAt");
    expect(status()?.verificationRecords?.map(({ purpose }) => purpose)).toEqual(["Ownership", "Routing"]);
    await bench.until("the claim to be gone", () => bench.claim(name) === undefined);
    expect(await bench.reconcile(SHOP)).toBeUndefined();
    bench.putDomain(SHOP, { domain: name }, { annotations: { [ANNOTATION_RECHECK]: "again" } });
    await bench.until("it to be claimed again", () => bench.condition(SHOP, "Claimed")?.status === "True");
    expect(status()?.nextCheckAt).toBeDefined();
  });
});

describe("a domain whose proof lapsed", () => {
  it("is told what to publish again, at the same moment", async () => {
    const name = "lapsed.alice-pottery.se";
    await bench.connect(SHOP, name);
    expect(status()?.verificationRecords).toEqual([]);
    bench.unpublishProof("alice", name);
    const { name: record, value } = bench.proofOf("alice", name);
    await bench.until("the lapse", () => reason("OwnershipVerified") === "ProofLapsed", 12 * HOUR_MS);
    expect(bench.condition(SHOP, "OwnershipVerified")?.message).toContain("publish it again");
    expect(status()?.verificationRecords).toEqual([
      expect.objectContaining({ type: "TXT", name: record, value, purpose: "Ownership", required: true }),
    ]);
    expect(status()).toMatchObject({ verified: false, nextCheckAt: expect.any(String) });
  });
});
