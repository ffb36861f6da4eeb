import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "../claim-bench.fixture.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHOP = "alice/shop";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());
afterEach(() => bench.world.cloudflare.clearFaults());

const status = () => bench.domain(SHOP)?.status;
const challenge = (name: string) =>
  status()?.dnsRecords?.find((row) => row.type === "TXT" && row.name === `_acme-challenge.${name}`);

/** Proven, with a row that waits for its certificate. */
async function waiting(name: string): Promise<string> {
  bench.putDomain(SHOP, { domain: name });
  bench.publishProof("alice", name);
  await bench.until(
    "the challenge to be asked for",
    () => challenge(name) !== undefined && bench.claim(name)?.spec.state === "Proven",
  );
  return challenge(name)?.desired[0] ?? "";
}

/** As when a token has run out: the row is the same in everything else. */
function rotate(name: string, token: string): void {
  const rows = bench.world.cloudflare.rows().filter(({ hostname }) => hostname === name);
  const result = JSON.parse(JSON.stringify(rows).replaceAll(challenge(name)?.desired[0] ?? "", token)) as unknown[];
  const body = { success: true, errors: [], messages: [], result, result_info: { page: 1, per_page: 1000, total_pages: 1 } };
  bench.world.cloudflare.addFault({ method: "GET", path: "/client/v4/zones/:zone/custom_hostnames", status: 200, body });
}

describe("a validation record that Cloudflare makes anew", () => {
  it("is asked for with the next snapshot, however far the next check is", async () => {
    const name = "rotated.alice-pottery.se";
    await waiting(name);
    await bench.until(
      "the slow part of the schedule",
      () => Date.parse(status()?.nextCheckAt ?? "") - bench.now > HOUR_MS,
      HOUR_MS,
    );
    const nextAt = Date.parse(status()?.nextCheckAt ?? "");
    rotate(name, "token-after-rotation");
    await bench.until("it to be asked for", () => challenge(name)?.desired[0] === "token-after-rotation", MINUTE_MS, 20);
    expect(bench.now).toBeLessThan(nextAt);
    expect(status()?.verificationRecords).toContainEqual(
      expect.objectContaining({ type: "TXT", name: `_acme-challenge.${name}`, value: "token-after-rotation" }),
    );
    // Nobody had published the old one: nothing is said of it.
    expect([challenge(name)?.reason, bench.condition(SHOP, "CertificateReady")?.reason]).toEqual([
      "RecordMissing",
      "AwaitingDNS",
    ]);
    const checkedAt = status()?.lastCheckedAt;
    for (let round = 0; round < 3; round += 1) await bench.round(1_000);
    expect(status()?.lastCheckedAt).toBe(checkedAt);
  });

  it("is told as expired where the old one is published, until it is replaced", async () => {
    const name = "expired.alice-pottery.se";
    const old = await waiting(name);
    bench.world.publish([{ type: "TXT", name: `_acme-challenge.${name}`, value: old }]);
    rotate(name, "token-after-rotation");
    await bench.until("it to be told", () => bench.condition(SHOP, "CertificateReady")?.reason === "TokensExpired", MINUTE_MS);
    expect(challenge(name)).toMatchObject({
      state: "Mismatch",
      action: "Change",
      desired: ["token-after-rotation"],
      found: [old],
      reason: "TokensExpired",
    });
    // It stands at the next look, and without one.
    await bench.world.pass(HOUR_MS);
    for (let pass = 0; pass < 2; pass += 1) await bench.reconcile(SHOP);
    expect(bench.condition(SHOP, "CertificateReady")).toMatchObject({ status: "False", reason: "TokensExpired" });
    bench.world.retract([{ type: "TXT", name: `_acme-challenge.${name}`, value: old }]);
    bench.world.publish([{ type: "TXT", name: `_acme-challenge.${name}`, value: "token-after-rotation" }]);
    await bench.until("it to be over", () => bench.condition(SHOP, "CertificateReady")?.reason === "AwaitingDNS", HOUR_MS);
    expect(challenge(name)).toMatchObject({ state: "Ok" });
  });
});
