import { describe, expect, it } from "vitest";
import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainStatus } from "../../api/v1/custom-domain-status.ts";
import { API_VERSION } from "../../api/v1/group.ts";
import type { Reason } from "../../api/v1/reasons.ts";
import { conditionsOf, type Finding } from "../../core/conditions.ts";
import { writeStatus } from "./write-status.ts";

const AT = "2026-11-03T09:15:00Z";

function status(ready: Finding["status"], reason: Reason, more: Partial<CustomDomainStatus> = {}): CustomDomainStatus {
  const message = "A sentence.";
  const stalled: Finding | undefined = reason === "InvalidDomain" ? { status: "True", reason, message } : undefined;
  const conditions = conditionsOf([], { Ready: { status: ready, reason, message }, Stalled: stalled }, 1, Date.parse(AT));
  const times = { lastCheckedAt: AT, nextCheckAt: "2026-11-03T09:20:00Z", check: { found: true, checkTimestamp: AT } };
  return { observedGeneration: 1, ...times, conditions, ...more };
}

/** What is written, and which Events go out, when `next` follows `previous`. */
async function after(previous: CustomDomainStatus | undefined, next: CustomDomainStatus) {
  const written: unknown[] = [];
  const events: string[] = [];
  const domain: CustomDomain = {
    apiVersion: API_VERSION,
    kind: "CustomDomain",
    metadata: { name: "shop", namespace: "lindqvist" },
    spec: { domain: "shop.lindqvistkeramik.se", wwwRedirect: "Auto", deletionPolicy: "Delete", suspend: false },
    ...(previous === undefined ? {} : { status: previous }),
  };
  const domains = {
    replaceStatus: async (object: CustomDomain, to: CustomDomain["status"]) => {
      written.push(to);
      return object;
    },
  };
  const recorder = {
    event: (_: unknown, type: string, reason: string) => void events.push(`${type} ${reason} after ${written.length}`),
  };
  await writeStatus(domain, next, { ledger: { domains }, events: recorder }, AbortSignal.timeout(1_000));
  return { writes: written.length, events };
}

const live = status("True", "Live");

describe("the status of a domain", () => {
  it.each<[string, CustomDomainStatus, number]>([
    ["nothing new", live, 0],
    ["another time for the next check, and no check", { ...live, nextCheckAt: "2026-11-04T09:15:00Z" }, 0],
    ["a check within five minutes", { ...live, lastCheckedAt: "2026-11-03T09:19:59Z" }, 0],
    ["a check five minutes later", { ...live, lastCheckedAt: "2026-11-03T09:20:00Z" }, 1],
    ["a recheck that was handled", { ...live, lastHandledRecheck: "token" }, 1],
    ["an error", { ...live, checkError: "An error." }, 1],
  ])("with %s", async (_, next, writes) => {
    expect(await after(live, next)).toEqual({ writes, events: [] });
  });

  it("that is the first, or the first with a check, is written", async () => {
    const { lastCheckedAt: _, ...unchecked } = live;
    expect(await after(undefined, live)).toMatchObject({ writes: 1 });
    expect(await after(unchecked, live)).toMatchObject({ writes: 1 });
  });
});

describe("Events", () => {
  const waiting = status("False", "RecordMissing");
  it.each<[string, CustomDomainStatus | undefined, CustomDomainStatus, readonly string[]]>([
    ["a new domain that waits is no news", undefined, waiting, []],
    ["it goes live", waiting, live, ["Normal Live after 1"]],
    ["it stops being live", live, waiting, ["Warning RecordMissing after 1"]],
    ["it waits for something else", waiting, status("False", "WrongRecord"), ["Normal WrongRecord after 1"]],
    [
      "it is stalled",
      waiting,
      status("False", "InvalidDomain"),
      ["Normal InvalidDomain after 1", "Warning InvalidDomain after 1"],
    ],
    ["the message alone changes", waiting, { ...waiting, checkError: "Another sentence." }, []],
  ])("%s", async (_, previous, next, events) => {
    expect(await after(previous, next)).toEqual({ writes: 1, events });
  });
});
