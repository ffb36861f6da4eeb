import { describe, expect, it } from "vitest";
import type { AuditEvent } from "../control-plane/audit-log.ts";
import { houseProblems, stepProblems } from "./status-rules.ts";
import { statusesWritten, statusFindings } from "./statuses.ts";

const AT = "2026-11-03T09:15:00Z";
type Body = Readonly<Record<string, unknown>>;

const condition = (type: string, status: string, reason: string) => ({
  ...{ type, status, reason, message: "A sentence.", observedGeneration: 1, lastTransitionTime: AT },
});
const ASPECTS: readonly (readonly [string, string])[] = [
  ...[["Claimed", "Claimed"] as const, ["OwnershipVerified", "Proven"] as const, ["HostnameActive", "Active"] as const],
  ...[["CertificateReady", "Issued"] as const, ["DNSConfigured", "RecordsCorrect"] as const, ["Routed", "Routed"] as const],
];
const live: Body = {
  ...{ observedGeneration: 1, id: "id", domain: "a.se", verified: true, verifiedAt: AT, verificationRecords: [] },
  ...{ lastCheckedAt: AT, nextCheckAt: "2026-11-04T09:15:00Z", check: { found: true, checkTimestamp: AT } },
  conditions: [
    condition("Ready", "True", "Live"),
    ...ASPECTS.map(([type, reason]) => condition(type, "True", reason)),
    condition("BillingSynced", "True", "Synced"),
  ],
};
const withConditions = (...changed: ReturnType<typeof condition>[]): Body => {
  const kept = (live.conditions as ReturnType<typeof condition>[]).filter(
    ({ type }) => !changed.some((other) => other.type === type),
  );
  return { ...live, conditions: [...kept, ...changed] };
};
const notReady = condition("Ready", "False", "RecordMissing");
const missing = condition("DNSConfigured", "False", "RecordMissing");
const reconciling = condition("Reconciling", "True", "RecordMissing");

describe("the rules of this project", () => {
  it.each([
    ["live", live],
    ["waiting", withConditions(notReady, missing, reconciling)],
    ["paused as it was", withConditions(notReady, condition("Paused", "True", "Suspended"))],
    ["without requests", withConditions(condition("Routed", "Unknown", "CheckOff"))],
  ])("a CustomDomain that is %s", (_, status) => {
    expect(houseProblems("CustomDomain", status)).toEqual([]);
  });

  it.each([
    [withConditions(notReady, missing), "Reconciling, Stalled or Paused must be present"],
    [withConditions(notReady, missing, { ...reconciling, reason: "WrongRecord" }), "Reconciling must not say WrongRecord"],
    [withConditions(missing), "Ready must not be True while DNSConfigured is not"],
    [withConditions(notReady, reconciling), "Ready must be True when all of it holds"],
    [{ ...live, verified: false }, "verified must say whether verifiedAt is set"],
    [{ ...live, verified: false, verifiedAt: undefined }, "must be verified"],
    [{ ...live, verificationRecords: [{}] }, "verificationRecords must be empty"],
    [{ ...live, checkError: "x" }, "checkError must be absent"],
  ])("%#: is told", (status, problem) => {
    expect(houseProblems("CustomDomain", status)).toEqual([expect.stringContaining(problem)]);
  });
});

describe("from one status to the next", () => {
  const later = {
    ...live,
    lastCheckedAt: "2026-11-03T09:20:00Z",
    check: { found: true, checkTimestamp: "2026-11-03T09:20:00Z" },
  };

  it.each([
    ["timestamps after five minutes", later],
    ["news at once", { ...live, checkError: "x" }],
    ["a recheck that was asked for", { ...live, lastHandledRecheck: "token" }],
  ])("may come %s", (_, after) => {
    expect(stepProblems("CustomDomain", live, after)).toEqual([]);
  });

  it.each([
    [{ ...live }, "a status that says nothing new must not be written"],
    [{ ...live, nextCheckAt: "2026-11-04T10:15:00Z" }, "timestamps alone must not be written after 0 s"],
    [{ ...later, lastCheckedAt: "2026-11-03T09:19:59Z" }, "timestamps alone must not be written after 299 s"],
    [{ ...live, id: "other" }, "id id must not become other"],
    [{ ...live, domain: "b.se" }, "domain a.se must not become b.se"],
    [{ ...live, verifiedAt: "2026-11-03T09:16:00Z" }, `verifiedAt ${AT} must not become 2026-11-03T09:16:00Z`],
  ])("%#: is told", (after, problem) => {
    expect(stepProblems("CustomDomain", live, after)).toEqual([problem]);
  });
});

describe("the audit log's statuses", () => {
  function write(resourceVersion: string, status: Body, more: Partial<AuditEvent> = {}): AuditEvent {
    const metadata = { uid: "uid", name: "shop", namespace: "lindqvist", generation: 1, resourceVersion };
    return {
      auditID: resourceVersion,
      level: "RequestResponse",
      stage: "ResponseComplete",
      requestURI: "/",
      verb: "update",
      user: { username: "operator" },
      objectRef: { resource: "customdomains", subresource: "status", apiGroup: "customdomains.dev", name: "shop" },
      responseStatus: { code: 200 },
      requestReceivedTimestamp: "2026-11-03T09:15:00.000000Z",
      stageTimestamp: "2026-11-03T09:15:00.000000Z",
      requestObject: { status },
      responseObject: { kind: "CustomDomain", metadata, status },
      ...more,
    };
  }
  const open = withConditions(notReady, missing, reconciling);

  it("are those that were stored, in their order", () => {
    const requests = [
      write("11", live),
      write("9", open),
      write("12", open, { responseStatus: { code: 409 }, responseObject: { kind: "Status" } }),
      write("13", open, { verb: "get" }),
      write("14", open, { objectRef: { resource: "customdomains", apiGroup: "customdomains.dev" } }),
    ];
    expect(statusesWritten({ requests }).map(({ stored }) => stored.metadata.resourceVersion)).toEqual(["9", "11"]);
  });

  it("are judged one by one and one after the other", () => {
    const wrong = { ...live, verified: false };
    expect(statusFindings({ requests: [write("9", live)] })).toEqual([]);
    expect(statusFindings({ requests: [write("9", wrong)] })).toEqual([
      "CustomDomain lindqvist/shop: verified must say whether verifiedAt is set",
    ]);
    expect(statusFindings({ requests: [write("9", live), write("10", live)] })).toEqual([
      "CustomDomain lindqvist/shop: write 2: a status that says nothing new must not be written",
    ]);
    const moved = withConditions({ ...condition("Ready", "True", "Live"), lastTransitionTime: "2026-11-03T09:16:00Z" });
    expect(statusFindings({ requests: [write("9", live), write("10", moved)] })).toEqual([
      expect.stringContaining("stayed True"),
    ]);
  });
});
