import { describe, expect, test } from "vitest";
import { type Finding, findCondition } from "./conditions.ts";
import { type Summary, summarise } from "./summarise.ts";

const NOW = Date.parse("2026-03-04T05:06:07Z");

function holds(): Finding {
  return { status: "True", reason: "Live", message: "Fine." };
}

/** A domain of which everything holds but `aspects`. */
function summaryWith(aspects: Partial<Summary["aspects"]>): Summary {
  const all = {
    Claimed: holds(),
    OwnershipVerified: holds(),
    HostnameActive: holds(),
    CertificateReady: holds(),
    DNSConfigured: holds(),
    Routed: holds(),
    BillingSynced: holds(),
    ...aspects,
  };
  return {
    id: "id",
    domain: "shop.acme.com",
    unicodeDomain: undefined,
    className: "storefronts",
    aspects: all,
    stalled: undefined,
    suspended: false,
    verifiedAt: undefined,
    hostnames: [],
    dnsRecords: "keep",
    verificationRecords: "keep",
    check: "keep",
    couldNotAsk: undefined,
    checkedAt: NOW,
    nextCheckAt: undefined,
    lastHandledRecheck: undefined,
    lastHandledRevalidate: undefined,
    lastRevalidatedAt: undefined,
    pendingRequests: [],
    failures: undefined,
    schedule: undefined,
  };
}

function conditionsFor(aspects: Partial<Summary["aspects"]>) {
  const { conditions } = summarise(summaryWith(aspects), undefined, 1, NOW);
  const says = (type: string) => {
    const { status, reason, message } = findCondition(conditions, type) ?? {};
    return { status, reason, message };
  };
  return { ready: says("Ready"), reconciling: says("Reconciling") };
}

const PROOF: Finding = { status: "False", reason: "AwaitingProof", message: "Publish the TXT record." };
const WAITING: Finding = { status: "False", reason: "AwaitingDNS", message: "Cloudflare waits for DNS." };
const BLOCKED: Finding = { status: "False", reason: "Blocked", message: "Cloudflare blocked the hostname." };
const WRONG: Finding = { status: "False", reason: "WrongRecord", message: "Write the value with a final dot." };
const UNPROVEN: Finding = { status: "False", reason: "AwaitingProof", message: "Created once ownership is proven." };
const BOGUS: Finding = { status: "Unknown", reason: "DNSSECBogus", message: "The signatures are wrong." };
const UNKNOWN: Finding = { status: "Unknown", reason: "NotChecked", message: "Not looked at yet." };

describe("what Ready says of a domain that is not live", () => {
  test.each<[string, Partial<Summary["aspects"]>, Finding]>([
    ["the first thing that is missing", { OwnershipVerified: PROOF, HostnameActive: WAITING, DNSConfigured: WRONG }, PROOF],
    ["the record, not that Cloudflare waits for it", { HostnameActive: WAITING, DNSConfigured: WRONG }, WRONG],
    ["the record, also where only the certificate waits for it", { CertificateReady: WAITING, DNSConfigured: WRONG }, WRONG],
    ["why DNS cannot be read, not that Cloudflare waits for it", { HostnameActive: WAITING, DNSConfigured: BOGUS }, BOGUS],
    [
      "why the proof cannot be read, not that the hostname waits for it",
      { OwnershipVerified: BOGUS, HostnameActive: UNPROVEN },
      BOGUS,
    ],
    [
      "that the hostname waits for the proof, where nobody has looked yet",
      { OwnershipVerified: UNKNOWN, HostnameActive: UNPROVEN },
      UNPROVEN,
    ],
    ["that Cloudflare waits, where the records are right", { HostnameActive: WAITING }, WAITING],
    ["that Cloudflare waits, where the records are not known", { HostnameActive: WAITING, DNSConfigured: UNKNOWN }, WAITING],
    ["what Cloudflare refuses for another cause", { HostnameActive: BLOCKED, DNSConfigured: WRONG }, BLOCKED],
    ["something certain before something unknown", { HostnameActive: UNKNOWN, DNSConfigured: WRONG }, WRONG],
  ])("%s", (_, aspects, expected) => {
    const { ready, reconciling } = conditionsFor(aspects);
    expect(ready).toEqual({ ...expected, status: "False" });
    expect(reconciling).toEqual({ ...expected, status: "True" });
  });
});
