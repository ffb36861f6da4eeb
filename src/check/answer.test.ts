import { describe, expect, test } from "vitest";
import { readReply, referralIn } from "./answer.ts";
import type { DnsRecord, DnsReply } from "./dns-message.ts";

const NAME = "_customdomains-challenge.shop.acme.com";
const QUESTION = { name: NAME, type: "TXT" } as const;

function reply(more: Partial<DnsReply>): DnsReply {
  return {
    kind: "reply",
    code: "NOERROR",
    authoritative: true,
    truncated: false,
    answers: [],
    authorities: [],
    additionals: [],
    ...more,
  };
}

const txt = (name: string, value: string): DnsRecord => ({ type: "TXT", name, ttl: 60, data: Buffer.from(value) });
const cname = (name: string, data: string): DnsRecord => ({ type: "CNAME", name, ttl: 60, data });
const ns = (name: string, data: string): DnsRecord => ({ type: "NS", name, ttl: 60, data });
const a = (name: string, data: string): DnsRecord => ({ type: "A", name, ttl: 60, data });
const soa: DnsRecord = { type: "SOA", name: "acme.com", ttl: 900, minimum: 300 };

describe("readReply", () => {
  test("reads the records of the name asked and no others", () => {
    const answer = readReply(QUESTION, reply({ answers: [txt(NAME, "right"), txt("shop.acme.com", "other")] }), "acme.com");
    expect(answer).toMatchObject({ kind: "answered", records: [txt(NAME, "right")], alias: undefined });
  });

  test("what a server says about names outside its zone is hearsay", () => {
    const answers = [cname(NAME, "proof.dns.acme.net"), txt("proof.dns.acme.net", "planted")];
    expect(readReply(QUESTION, reply({ answers }), "acme.com")).toMatchObject({
      chain: ["proof.dns.acme.net"],
      records: [],
      alias: "proof.dns.acme.net",
    });
    expect(readReply(QUESTION, reply({ answers }), undefined)).toMatchObject({ records: [answers[1]], alias: undefined });
  });

  test("a CNAME to a name of the zone that has no TXT needs no further question", () => {
    const answers = [cname(NAME, "proof.acme.com")];
    expect(readReply(QUESTION, reply({ answers, authorities: [soa] }), "acme.com")).toMatchObject({ alias: undefined });
    expect(readReply(QUESTION, reply({ answers }), "acme.com")).toMatchObject({ alias: "proof.acme.com" });
  });

  test("keeps records that a server puts beside a CNAME apart", () => {
    const answers = [cname("shop.acme.com", "edge.acme.com"), a("shop.acme.com", "192.0.2.9"), a("edge.acme.com", "192.0.2.1")];
    const answer = readReply({ name: "shop.acme.com", type: "A" }, reply({ answers }), "acme.com");
    expect(answer).toMatchObject({ own: [answers[1]], records: [answers[2]] });
  });

  test("tells for how long the absence is remembered: the smaller of the SOA's own TTL and its minimum", () => {
    expect(readReply(QUESTION, reply({ code: "NXDOMAIN", authorities: [soa] }), "acme.com")).toMatchObject({
      exists: false,
      negativeTTL: 300,
    });
    expect(readReply(QUESTION, reply({ authorities: [{ ...soa, ttl: 60 }] }), "acme.com")).toMatchObject({
      exists: true,
      negativeTTL: 60,
    });
  });

  test("a loop of CNAMEs ends", () => {
    const answers = [cname(NAME, "a.acme.com"), cname("a.acme.com", NAME)];
    expect(readReply(QUESTION, reply({ answers }), "acme.com")).toMatchObject({ kind: "answered", records: [] });
  });

  test.each([
    ["truncated", reply({ truncated: true, answers: [txt(NAME, "x")] })],
    ["not authoritative", reply({ authoritative: false, answers: [txt(NAME, "x")] })],
    ["SERVFAIL", reply({ code: "SERVFAIL" })],
    ["REFUSED", reply({ code: "REFUSED" })],
    ["malformed", { kind: "failure", reason: "Malformed", message: "" } as const],
  ])("%s is unusable", (_, received) => {
    expect(readReply(QUESTION, received, "acme.com").kind).toBe("unusable");
  });

  test.each(["Timeout", "Unreachable"] as const)("%s is no answer", (reason) => {
    expect(readReply(QUESTION, { kind: "failure", reason, message: "" }, "acme.com").kind).toBe("unanswered");
  });
});

describe("referralIn", () => {
  const referral = (owner: string, more: Partial<DnsReply> = {}) =>
    referralIn(QUESTION, reply({ authoritative: false, authorities: [ns(owner, "ns1.shop.acme.com")], ...more }), "acme.com");

  test("leads to the zone below, with the addresses that come along", () => {
    const additionals = [a("ns1.shop.acme.com", "192.0.2.1"), a("ns1.elsewhere.net", "192.0.2.66")];
    const found = referral("shop.acme.com", { additionals });
    expect(found).toMatchObject({ apex: "shop.acme.com", nameservers: ["ns1.shop.acme.com"] });
    expect([...(found?.glue ?? [])]).toEqual([["ns1.shop.acme.com", ["192.0.2.1"]]]);
  });

  test.each(["acme.com", "com", "other.acme.com", "elsewhere.net"])("%s is no way down to the name", (owner) => {
    expect(referral(owner)).toBeUndefined();
  });

  test("an answer is no referral", () => {
    expect(referral("shop.acme.com", { authoritative: true })).toBeUndefined();
    expect(referral("shop.acme.com", { answers: [txt(NAME, "x")] })).toBeUndefined();
    expect(referral("shop.acme.com", { code: "SERVFAIL" })).toBeUndefined();
  });
});
