import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { customDomainStatusSchema, type PendingRequest, type VerificationRecord } from "../api/v1/custom-domain-status.ts";
import { differs, type Finding, findCondition } from "./conditions.ts";
import { type AspectFinding, isLive, type Summary, summarise } from "./summarise.ts";

const NOW = Date.parse("2026-03-04T05:06:07Z");
const ASPECTS = ["Claimed", "OwnershipVerified", "HostnameActive", "CertificateReady", "DNSConfigured", "Routed"] as const;

const finding: fc.Arbitrary<Finding> = fc.oneof(
  fc.record({
    status: fc.constantFrom("True", "False", "Unknown"),
    reason: fc.constantFrom("Live", "AwaitingProof", "AwaitingDNS", "WrongRecord", "NotChecked"),
    message: fc.string({ maxLength: 40 }),
  }),
  fc.constant<Finding>({ status: "Unknown", reason: "CheckOff", message: "" }),
  fc.constant<Finding>({ status: "True", reason: "Live", message: "" }),
);
const aspect: fc.Arbitrary<AspectFinding> = fc.oneof(
  { weight: 3, arbitrary: finding },
  { weight: 1, arbitrary: fc.constant("keep" as const) },
);
const stalled: fc.Arbitrary<Finding> = fc
  .constantFrom("InvalidDomain", "ProofExpired", "ClassChangeNotSupported")
  .map((reason) => ({
    status: "False",
    reason,
    message: "Edit it.",
  }));
const record: VerificationRecord = {
  type: "TXT",
  name: "_x.acme.com",
  value: "v",
  purpose: "Ownership",
  required: true,
  reason: "It proves the name.",
};
const pending: PendingRequest = {
  annotation: "customdomains.dev/recheck",
  token: "again",
  notBefore: "2026-03-04T05:06:30Z",
  reason: "RecheckTooSoon",
  message: "Checked a moment ago.",
};
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const kept = <T>(value: T) => fc.constantFrom<T | "keep">(value, "keep");

const summary: fc.Arbitrary<Summary> = fc.record({
  id: fc.constant("id"),
  domain: maybe(fc.constant("acme.com")),
  unicodeDomain: fc.constant(undefined),
  className: maybe(fc.constant("default")),
  aspects: fc.record({
    Claimed: aspect,
    OwnershipVerified: aspect,
    HostnameActive: aspect,
    CertificateReady: aspect,
    DNSConfigured: aspect,
    Routed: aspect,
    BillingSynced: aspect,
  }),
  stalled: fc.option(stalled, { nil: undefined, freq: 4 }),
  suspended: fc.boolean(),
  verifiedAt: maybe(fc.constant("2026-01-01T00:00:00Z")),
  hostnames: fc.constant([]),
  dnsRecords: kept<Summary["dnsRecords"]>([]),
  verificationRecords: kept<Summary["verificationRecords"]>([record]),
  check: kept<Summary["check"]>(undefined),
  couldNotAsk: maybe(fc.string({ maxLength: 2_000 })),
  checkedAt: maybe(fc.constant(NOW)),
  nextCheckAt: maybe(fc.constant(NOW + 5_000)),
  lastHandledRecheck: maybe(fc.constant("token")),
  lastHandledRevalidate: fc.constant(undefined),
  lastRevalidatedAt: fc.constant(undefined),
  pendingRequests: fc.constantFrom([], [pending]),
  failures: fc.constant(undefined),
  schedule: fc.constant(undefined),
});
/** A few statuses in a row, each the next one's previous, as a domain lives. */
const life = fc.array(summary, { minLength: 1, maxLength: 4 });

function everyStatus(
  judge: (after: ReturnType<typeof summarise>, from: Summary, before: ReturnType<typeof summarise> | undefined) => void,
) {
  fc.assert(
    fc.property(life, (summaries) => {
      let previous: ReturnType<typeof summarise> | undefined;
      for (const [index, each] of summaries.entries()) {
        const status = summarise(each, previous, 7, NOW + index * 1_000);
        judge(status, each, previous);
        previous = status;
      }
    }),
    { numRuns: 500 },
  );
}

const says = (status: ReturnType<typeof summarise>, type: string) => findCondition(status.conditions, type)?.status;

describe("every status", () => {
  it("is what the schema takes", () => {
    everyStatus((status) => expect(() => customDomainStatusSchema.parse(status)).not.toThrow());
  });

  it("obeys kstatus: never Reconciling and Stalled at once, neither beside Ready=True, each only while True", () => {
    everyStatus((status) => {
      const [ready, reconciling, isStalled] = ["Ready", "Reconciling", "Stalled"].map((type) => says(status, type));
      expect(["True", "False"]).toContain(ready);
      for (const abnormal of [reconciling, isStalled]) expect([undefined, "True"]).toContain(abnormal);
      expect(reconciling !== undefined && isStalled !== undefined).toBe(false);
      if (ready === "True") expect([reconciling, isStalled]).toEqual([undefined, undefined]);
      if (ready === "False" && says(status, "Paused") === undefined) expect(reconciling ?? isStalled).toBe("True");
      for (const { observedGeneration } of status.conditions ?? []) expect(observedGeneration).toBe(7);
    });
  });

  it("is Ready exactly while all that counts holds, unless it is paused", () => {
    everyStatus((status, from, before) => {
      const ready = says(status, "Ready");
      if (from.suspended) {
        expect(ready).toBe(before === undefined ? "False" : says(before, "Ready"));
        expect(says(status, "Paused")).toBe("True");
        return;
      }
      const holds = ASPECTS.every((type) => {
        const { status: value, reason } = findCondition(status.conditions, type) ?? {};
        return value === "True" || (type === "Routed" && reason === "CheckOff");
      });
      expect(ready === "True").toBe(holds && from.stalled === undefined);
      expect(isLive(from.aspects, before)).toBe(holds);
    });
  });

  it("keeps what nobody could be asked about, and says so where nothing was known", () => {
    everyStatus((status, from, before) => {
      for (const type of ASPECTS) {
        if (from.aspects[type] !== "keep") continue;
        const known = findCondition(before?.conditions, type);
        const after = findCondition(status.conditions, type);
        expect(after).toMatchObject(known === undefined ? { status: "Unknown", reason: "NotChecked" } : { ...known });
      }
      if (from.dnsRecords === "keep") expect(status.dnsRecords).toEqual(before?.dnsRecords ?? []);
    });
  });

  it("asks for nothing once verified, and verified is verifiedAt", () => {
    everyStatus((status, from) => {
      expect(status.verified).toBe(from.verifiedAt !== undefined);
      expect(status.verifiedAt).toBe(from.verifiedAt);
      if (status.verified === true) expect(status.verificationRecords).toEqual([]);
    });
  });

  it("has a checkError only while not Ready, of at most 1,024 characters", () => {
    everyStatus((status) => {
      if (says(status, "Ready") === "True") expect(status.checkError).toBeUndefined();
      expect((status.checkError ?? "").length).toBeLessThanOrEqual(1_024);
    });
  });

  it("does not change when the same is found again", () => {
    everyStatus((status, from) => {
      expect(differs(summarise(from, status, 7, NOW + 60_000), summarise(from, summarise(from, status, 7, NOW), 7, NOW))).toBe(
        false,
      );
    });
  });
});
