import { describe, expect, it } from "vitest";
import { RefusalMemory } from "./refusal-memory.ts";
import type { ProvisionProblem } from "./row-outcome.ts";

const problem: ProvisionProblem = {
  hostname: "shop.acme.com",
  reason: "InvalidSettings",
  message: "Cloudflare refuses the settings",
  afterMs: 1_000,
  own: true,
  stalled: true,
};

describe("a refused create", () => {
  it("stands until its time, with the time left", () => {
    const memory = new RefusalMemory();
    memory.note("uid/shop.acme.com", "1/1", problem, 5_000);
    expect(memory.standing("uid/shop.acme.com", "1/1", 5_400)).toMatchObject({
      kind: "problem",
      reason: "InvalidSettings",
      afterMs: 600,
    });
    expect(memory.standing("uid/shop.acme.com", "1/1", 6_000)).toBeUndefined();
  });

  it("does not stand for another name, after an edit, or once the row exists", () => {
    const memory = new RefusalMemory();
    memory.note("uid/shop.acme.com", "1/1", problem, 0);
    expect(memory.standing("uid/www.acme.com", "1/1", 1)).toBeUndefined();
    expect(memory.standing("uid/shop.acme.com", "2/1", 1)).toBeUndefined();
    memory.forget("uid/shop.acme.com");
    expect(memory.standing("uid/shop.acme.com", "1/1", 1)).toBeUndefined();
  });
});
