import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANNOTATION_REVALIDATE } from "../../api/v1/group.ts";
import { ClaimBench } from "../claim-bench.fixture.ts";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

const PATCH_ROW = { method: "PATCH", path: "/client/v4/zones/:zone/custom_hostnames/*", times: 1 } as const;

async function blocked(name: string): Promise<number> {
  await bench.connect("alice/shop", name);
  bench.world.cloudflare.block(name);
  await bench.until("it to be seen", () => bench.condition("alice/shop", "HostnameActive")?.status === "False", 60_000);
  return bench.world.cloudflare.ledger().patches;
}

function ask(name: string, token: string): void {
  bench.putDomain("alice/shop", { domain: name }, { annotations: { [ANNOTATION_REVALIDATE]: token } });
}

describe("a restart of validation that was asked for", () => {
  it("is one PATCH per token, and none without", async () => {
    const name = "asked.alice-pottery.se";
    const before = await blocked(name);
    for (let round = 0; round < 3; round += 1) await bench.round(60_000);
    expect(bench.world.cloudflare.ledger().patches - before).toBe(0);
    ask(name, "please");
    for (let round = 0; round < 3; round += 1) await bench.round(60_000);
    expect(bench.domain("alice/shop")?.status?.lastHandledRevalidate).toBe("please");
    expect(bench.world.cloudflare.ledger().patches - before).toBe(1);
  });

  it("counts where its answer was lost, since it may have been carried out", async () => {
    const name = "lost.alice-pottery.se";
    const before = await blocked(name);
    bench.world.cloudflare.addFault({ ...PATCH_ROW, dropAfter: true });
    ask(name, "please");
    for (let round = 0; round < 3; round += 1) await bench.round(120_000);
    expect(bench.world.cloudflare.ledger().patches - before).toBe(1);
    expect(bench.domain("alice/shop")?.status?.lastHandledRevalidate).toBe("please");
  });

  it("that finds nothing to restart is handled, and keeps no automatic one waiting", async () => {
    await bench.connect("alice/shop", "healthy.alice-pottery.se");
    ask("healthy.alice-pottery.se", "please");
    await bench.round();
    expect(bench.domain("alice/shop")?.status).toMatchObject({ lastHandledRevalidate: "please" });
    expect(bench.domain("alice/shop")?.status).not.toHaveProperty("lastRevalidatedAt");
  });

  it("is sent again where Cloudflare refused it", async () => {
    const name = "refused.alice-pottery.se";
    await blocked(name);
    bench.world.cloudflare.addFault({ ...PATCH_ROW, status: 429, headers: { "retry-after": "5" } });
    ask(name, "please");
    await bench.round(60_000);
    expect(bench.domain("alice/shop")?.status?.lastHandledRevalidate).toBeUndefined();
    await bench.until("it to be handled", () => bench.domain("alice/shop")?.status?.lastHandledRevalidate === "please", 60_000);
    expect(bench.events.filter((event) => event === "ValidationRestarted")).toHaveLength(1);
  });
});
