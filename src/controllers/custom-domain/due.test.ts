import { describe, expect, it } from "vitest";
import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import { API_VERSION } from "../../api/v1/group.ts";
import { CheckMemory, checkDue, scheduleSince } from "./due.ts";

const NOW = Date.parse("2026-11-03T09:15:00.700Z");
const MINUTE_MS = 60_000;
const TIMES = { checkedAt: NOW - MINUTE_MS, nextAt: NOW + MINUTE_MS };

const WAITING = {
  annotation: "customdomains.dev/recheck",
  token: "again",
  notBefore: "2026-11-03T09:15:21Z",
  reason: "RecheckTooSoon",
  message: "The domain was checked less than 30 s before: it is checked again at 2026-11-03T09:15:21Z.",
};

function domain(
  options: { token?: string; handled?: string; generation?: number; status?: Partial<CustomDomain["status"]> } = {},
) {
  const { token, handled, generation = 1, status } = options;
  const annotations = token === undefined ? {} : { "customdomains.dev/recheck": token };
  const lastHandledRecheck = handled === undefined ? {} : { lastHandledRecheck: handled };
  const object: CustomDomain = {
    apiVersion: API_VERSION,
    kind: "CustomDomain",
    metadata: { name: "shop", namespace: "lindqvist", uid: "uid", generation, annotations },
    spec: { domain: "shop.lindqvistkeramik.se", wwwRedirect: "Auto", deletionPolicy: "Delete", suspend: false },
    status: { observedGeneration: 1, ...lastHandledRecheck, ...status },
  };
  return object;
}

function due(subject: CustomDomain, more: { times?: typeof TIMES | undefined; changed?: boolean; now?: number } = {}) {
  const times = "times" in more ? more.times : TIMES;
  return checkDue(subject, { times, changed: more.changed ?? false, recheckMinMs: 30_000, now: more.now ?? NOW });
}

describe("a check is due", () => {
  it.each([
    ["that was never made", domain(), { times: undefined }],
    ["whose time has come", domain(), { now: TIMES.nextAt }],
    ["whose time has passed", domain(), { now: TIMES.nextAt + 1 }],
    ["after a change of the spec", domain({ generation: 2 }), {}],
    ["after a change at Cloudflare", domain(), { changed: true }],
  ])("%s", (_, subject, more) => {
    expect(due(subject, more)).toEqual({ kind: "now", fresh: false, token: undefined });
  });

  it("that was asked for, with its token", () => {
    expect(due(domain({ token: "again" }))).toEqual({ kind: "now", fresh: true, token: "again" });
    expect(due(domain({ token: "again", handled: "earlier" }))).toEqual({ kind: "now", fresh: true, token: "again" });
  });
});

describe("a check that is not due", () => {
  it("stays at its time, however long the reconcile takes", () => {
    for (const elapsedMs of [0, 1, 301, 59_000])
      expect(due(domain(), { now: NOW + elapsedMs })).toEqual({ kind: "later", at: TIMES.nextAt });
  });

  it.each(["", "again"])("is not asked for by a token that was handled: '%s'", (token) => {
    expect(due(domain({ token, handled: "again" }))).toEqual({ kind: "later", at: TIMES.nextAt });
  });

  it("comes as soon as asking again is allowed, and says so", () => {
    const times = { checkedAt: NOW - 10_000, nextAt: NOW + MINUTE_MS };
    const allowedAt = Date.parse("2026-11-03T09:15:21Z");
    expect(due(domain({ token: "again" }), { times })).toEqual({ kind: "later", at: allowedAt, waiting: WAITING });
    const soon = { checkedAt: NOW - 10_000, nextAt: NOW + 5_000 };
    expect(due(domain({ token: "again" }), { times: soon })).toEqual({ kind: "later", at: NOW + 5_000, waiting: WAITING });
    expect(due(domain({ token: "again" }), { times, now: allowedAt })).toEqual({ kind: "now", fresh: true, token: "again" });
  });

  it("is not put off by the checks of the schedule, nor by another token", () => {
    const told = domain({ token: "another", status: { pendingRequests: [WAITING] } });
    const times = { checkedAt: NOW + 10_000, nextAt: NOW + 15_000 };
    expect(due(told, { times, now: NOW + 15_000 })).toEqual({
      kind: "now",
      fresh: false,
      token: undefined,
      waiting: { ...WAITING, token: "another" },
    });
    expect(due(told, { times, now: Date.parse(WAITING.notBefore) })).toEqual({ kind: "now", fresh: true, token: "another" });
  });

  it("waits no longer than the least distance, whatever a restored status says", () => {
    const far = { ...WAITING, notBefore: "2036-11-03T09:15:21Z" };
    expect(due(domain({ token: "again", status: { pendingRequests: [far] } }), { now: NOW })).toMatchObject({
      kind: "now",
      fresh: true,
    });
  });
});

describe("the memory of checks", () => {
  it("starts from status, and prefers what this process did", () => {
    const memory = new CheckMemory();
    const status = { lastCheckedAt: "2026-11-03T09:00:00Z", nextCheckAt: "2026-11-03T10:00:00Z" };
    const known = domain({ status });
    expect(memory.get(known)).toEqual({ checkedAt: Date.parse(status.lastCheckedAt), nextAt: Date.parse(status.nextCheckAt) });
    memory.set("uid", TIMES);
    expect(memory.get(known)).toEqual(TIMES);
    memory.forget("uid");
    expect(memory.get(domain())).toBeUndefined();
  });
});

describe("what the schedule counts from", () => {
  const since = "2026-11-03T08:00:00Z";
  it.each([
    ["as before", domain({ status: { schedule: { since: "2026-11-03T09:10:00Z" } } }), false, Date.parse("2026-11-03T09:10:00Z")],
    ["now, after a change of spec", domain({ generation: 2, status: { schedule: { since } } }), false, NOW],
    ["now, after a change of DNS", domain({ status: { schedule: { since } } }), true, NOW],
    ["a claim that began later", domain({ status: { schedule: { since } } }), false, Date.parse("2026-11-03T09:00:00Z")],
    ["the claim, at first", domain(), false, Date.parse("2026-11-03T09:00:00Z")],
  ])("%s", (_, subject, dnsChanged, expected) => {
    expect(scheduleSince(subject, { dnsChanged, claimedAt: "2026-11-03T09:00:00Z", now: NOW })).toBe(expected);
  });

  it("never lies ahead, and is now without a claim", () => {
    expect(scheduleSince(domain(), { dnsChanged: false, claimedAt: "2026-11-03T10:00:00Z", now: NOW })).toBe(NOW);
    expect(scheduleSince(domain(), { dnsChanged: false, claimedAt: undefined, now: NOW })).toBe(NOW);
  });
});
