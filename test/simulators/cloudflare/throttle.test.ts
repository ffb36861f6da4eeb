import { expect, test } from "vitest";
import { ManualClock } from "../../../src/runtime/manual-clock.testing.ts";
import { APIError } from "./api-error.ts";
import { CreateBudget, documentedLimits, RequestBudget } from "./throttle.ts";

/** Times as a real clock has them: with a fraction that no sum keeps exactly. */
const STEP_MS = 1_003.1415926;
const STARTS = 2_000;

function retryAfter(call: () => void): string | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof APIError) return error.headers["retry-after"];
    throw error;
  }
  return undefined;
}

function atManyTimes(run: (clock: ManualClock) => string | undefined): Set<string | undefined> {
  const clock = new ManualClock();
  const seen = new Set<string | undefined>();
  for (let start = 0; start < STARTS; start += 1) {
    clock.advance(STEP_MS);
    seen.add(run(clock));
  }
  return seen;
}

test("a create that is blocked is told thirty seconds, whenever that happens", () => {
  const limits = { ...documentedLimits, createsPerMinute: 1 };
  const told = atManyTimes((clock) => {
    const budget = new CreateBudget(clock, limits);
    budget.succeeded();
    return retryAfter(() => budget.check());
  });
  expect([...told]).toEqual(["30"]);
});

test("a request over the budget is told five minutes, and its headers never more than that", () => {
  const limits = { ...documentedLimits, requests: 1 };
  const headers = new Set<string | undefined>();
  const told = atManyTimes((clock) => {
    const budget = new RequestBudget(clock, limits);
    budget.spend();
    headers.add(budget.headers().ratelimit);
    return retryAfter(() => budget.spend());
  });
  expect([...told]).toEqual(["300"]);
  expect([...headers]).toEqual(['"default";r=0;t=300']);
});

test("what is left of a block is rounded up, and is never nothing", () => {
  const clock = new ManualClock();
  const budget = new CreateBudget(clock, { ...documentedLimits, createsPerMinute: 1 });
  budget.succeeded();
  expect(retryAfter(() => budget.check())).toBe("30");
  clock.advance(28_001);
  expect(retryAfter(() => budget.check())).toBe("2");
  clock.advance(1_998.9);
  expect(retryAfter(() => budget.check())).toBe("1");
});
