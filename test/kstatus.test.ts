import { describe, expect, it } from "vitest";
import { kstatusProblems, kstatusSequenceProblems, type StatusWrite } from "./kstatus.ts";

const AT = "2026-11-03T09:15:00Z";
const LATER = "2026-11-03T09:20:00Z";

type Condition = Readonly<Record<string, unknown>>;

function condition(type: string, status: string, more: Condition = {}): Condition {
  const reason = status === "True" ? "Available" : "FallbackOriginMissing";
  return { type, status, reason, message: "A sentence.", observedGeneration: 2, lastTransitionTime: AT, ...more };
}

const ready = condition("Ready", "True");
const notReady = condition("Ready", "False");
const reconciling = condition("Reconciling", "True", { reason: "FallbackOriginMissing" });
const stalled = condition("Stalled", "True", { reason: "FallbackOriginMissing" });

function problems(
  conditions: readonly Condition[],
  more: { generation?: number; observedGeneration?: unknown; kind?: string } = {},
) {
  const { generation = 2, observedGeneration = 2, kind } = more;
  const object = { metadata: { generation }, status: { observedGeneration, conditions } };
  return kstatusProblems(kind === undefined ? object : { ...object, kind });
}

describe("a status that tools can read", () => {
  it.each([
    ["ready", [ready]],
    ["waiting", [notReady, reconciling]],
    ["stalled", [notReady, stalled]],
    ["not known yet", [condition("Ready", "Unknown"), reconciling]],
    ["paused while ready", [ready, condition("Paused", "True", { reason: "Suspended" })]],
    ["not ready and nobody working on it", [notReady]],
  ])("%s", (_, conditions) => {
    expect(problems(conditions)).toEqual([]);
  });

  it("an object of a new generation that is not ready at the old one", () => {
    expect(problems([notReady, reconciling], { generation: 3 })).toEqual([]);
  });

  it("a whole CustomDomainClass", () => {
    const conditions = [
      ready,
      condition("CredentialsValid", "True", { reason: "CredentialsAccepted" }),
      condition("FallbackOriginActive", "True", { reason: "Active" }),
      condition("ProofReliable", "True", { reason: "ProofsPresent" }),
    ];
    expect(problems(conditions, { kind: "CustomDomainClass" })).toEqual([]);
  });
});

describe("the rules of kstatus", () => {
  it.each([
    ["FAIL0001", [ready, reconciling], {}],
    ["FAIL0001", [ready, stalled], {}],
    ["FAIL0002", [reconciling], {}],
    ["FAIL0003", [ready, reconciling], {}],
    ["FAIL0004", [ready, stalled], {}],
    ["FAIL0004", [condition("Ready", "Unknown"), stalled], {}],
    ["FAIL0005", [notReady, reconciling, stalled], {}],
    ["FAIL0006", [condition("Ready", "False", { observedGeneration: 2 })], { generation: 1 }],
    ["FAIL0007", [ready], { generation: 3 }],
    ["FAIL0008", [ready], { generation: 3 }],
    ["FAIL0008", [ready, condition("Routed", "True", { reason: "CheckOff", observedGeneration: 1 })], {}],
    ["FAIL0009", [ready, condition("Routed", "True", { reason: "CheckOff", observedGeneration: 1 })], {}],
    ["FAIL0011", [condition("Ready", "Unknown")], {}],
  ])("%s is found: %j %j", (rule, conditions, more) => {
    expect(problems(conditions, more).filter((problem) => problem.startsWith(rule))).toHaveLength(1);
  });
});

describe("the shape of a condition", () => {
  it.each([
    ["a type that is no word", { type: "not ready" }, "CamelCase condition type"],
    ["another status", { status: "true" }, "status 'true'"],
    ["no status", { status: undefined }, "status ''"],
    ["an empty reason", { reason: "" }, "reason ''"],
    ["no reason", { reason: undefined }, "reason ''"],
    ["a reason in another style", { reason: "fallback-origin-missing" }, "CamelCase word"],
    ["a reason that is not in the catalogue", { reason: "Pending" }, "reason Pending must be in the catalogue"],
    ["a reason that objects inherit", { reason: "Constructor" }, "must be in the catalogue"],
    ["a reason of events only", { reason: "DriftCorrected" }, "must name Ready"],
    ["no time", { lastTransitionTime: undefined }, "lastTransitionTime ''"],
    ["a time with fractions", { lastTransitionTime: "2026-11-03T09:15:00.123Z" }, "lastTransitionTime"],
    ["no message", { message: " " }, "a message must say"],
    ["no observedGeneration", { observedGeneration: undefined }, "observedGeneration must be present"],
    ["another observedGeneration than status", { observedGeneration: 1 }, "observedGeneration 1 must be status' 2"],
  ])("%s is found", (_, change, problem) => {
    expect(problems([{ ...notReady, ...change }]).join("\n")).toContain(problem);
  });

  it.each(["Reconciling", "Stalled", "Paused"])("%s that is not True is found", (type) => {
    for (const status of ["False", "Unknown"])
      expect(problems([notReady, condition(type, status, { reason: "FallbackOriginMissing" })])).toContain(
        `${type} must be absent unless True`,
      );
  });

  it("a type that is there twice is found", () => {
    expect(problems([ready, ready])).toContain("Ready must be there once");
  });

  it.each([undefined, null, "Ready", {}])("no status at all is found: %j", (status) => {
    expect(kstatusProblems({ metadata: { generation: 1 }, status })).toEqual([
      "FAIL0002: Ready must be present",
      "status.observedGeneration must be present",
    ]);
  });
});

describe("what a kind says", () => {
  const others = [
    "Claimed",
    "OwnershipVerified",
    "HostnameActive",
    "CertificateReady",
    "DNSConfigured",
    "Routed",
    "BillingSynced",
  ];

  it("a missing and a foreign condition are found", () => {
    const found = problems([ready, condition("Programmed", "True")], { kind: "CustomDomainClass" });
    expect(found).toContain("CredentialsValid must be present on a CustomDomainClass");
    expect(found).toContain("Programmed must not be on a CustomDomainClass");
  });

  it("a reason that belongs to another condition is found", () => {
    const found = problems([condition("Routed", "False", { reason: "RecordMissing" })]);
    expect(found).toContain("Routed: reason RecordMissing must name Routed among where it is seen");
  });

  it.each([
    ["RecordMissing", []],
    ["OldLineHeld", ["Ready: reason OldLineHeld must name Ready among where it is seen"]],
  ])("Ready of a CustomDomain repeats a reason of its own conditions: %s", (reason, expected) => {
    const unchecked = others.map((type) => condition(type, "Unknown", { reason: "NotChecked" }));
    const found = problems([condition("Ready", "False", { reason }), ...unchecked], { kind: "CustomDomain" });
    expect(found.filter((problem) => problem.startsWith("Ready"))).toEqual(expected);
  });

  it("Paused has a reason of its own", () => {
    const paused = (reason: string) => problems([ready, condition("Paused", "True", { reason })], { kind: "BillingAccount" });
    expect(paused("Suspended").filter((problem) => problem.startsWith("Paused"))).toEqual([]);
    expect(paused("Available")).toContain("Paused: reason Available must name Paused among where it is seen");
  });
});

describe("a sequence of writes", () => {
  const write = (conditions: readonly Condition[], at?: number): StatusWrite => ({
    metadata: { generation: 2 },
    status: { observedGeneration: 2, conditions },
    ...(at === undefined ? {} : { at }),
  });
  const changed = (status: string, lastTransitionTime: string) => condition("Ready", status, { lastTransitionTime });

  it.each([
    ["nothing changes", [write([ready]), write([ready])]],
    ["the reason alone changes", [write([notReady]), write([{ ...notReady, reason: "Unauthorized" }])]],
    ["a transition has its time", [write([changed("False", AT)]), write([changed("True", LATER)])]],
    ["two transitions fall into one second", [write([changed("False", AT)], 1_000), write([changed("True", AT)], 1_900)]],
    [
      "a condition goes and comes back",
      [write([notReady, reconciling]), write([notReady]), write([notReady, { ...reconciling, lastTransitionTime: LATER }])],
    ],
    ["a condition is new", [write([notReady]), write([notReady, { ...reconciling, lastTransitionTime: LATER }])]],
    ["there is one write", [write([ready])]],
  ])("is right when %s", (_, writes) => {
    expect(kstatusSequenceProblems(writes)).toEqual([]);
  });

  it.each([
    ["a new time without a transition", [write([changed("True", AT)]), write([changed("True", LATER)])], "stayed True"],
    ["a transition with the old time", [write([changed("False", AT)]), write([changed("True", AT)])], "must change"],
    ["the same, two seconds apart", [write([changed("False", AT)], 0), write([changed("True", AT)], 2_000)], "must change"],
    ["a time that goes back", [write([changed("False", LATER)], 0), write([changed("True", AT)], 100)], "must not go back"],
  ])("is wrong with %s", (_, writes, problem) => {
    expect(kstatusSequenceProblems(writes)).toEqual([expect.stringContaining(problem)]);
  });

  it("names the write", () => {
    const writes = [write([changed("True", AT)]), write([changed("True", AT)]), write([changed("True", LATER)])];
    expect(kstatusSequenceProblems(writes)).toEqual([expect.stringMatching(/^write 3: Ready/)]);
  });
});
