import { describe, expect, test } from "vitest";
import { desiredRecords } from "./desired-records.ts";
import type { Observed } from "./discovery.ts";
import { judge, PROOF, PROVEN, proofOf, row, SUBDOMAIN, TARGET, TARGET_VIEW, type World } from "./records.testing.ts";
import { dnsCondition, verificationRecords } from "./records.ts";

describe("a subdomain", () => {
  test("that is right", () => {
    const { rows, condition, outstanding } = judge(SUBDOMAIN, { ns1: { "CNAME shop.acme.com": [TARGET] }, proof: PROVEN });
    expect(rows).toEqual([
      {
        type: "TXT",
        name: PROOF.name,
        desired: [PROOF.value],
        found: [PROOF.value],
        state: "Ok",
        action: "None",
        purpose: "Ownership",
      },
      {
        type: "CNAME",
        name: "shop.acme.com",
        desired: [TARGET],
        found: [TARGET],
        state: "Ok",
        action: "None",
        purpose: "Routing",
      },
    ]);
    expect(condition).toEqual({ status: "True", reason: "RecordsCorrect", message: "DNS points here." });
    expect(outstanding).toEqual([]);
  });

  test("that is new: both records are to be added, exactly as told", () => {
    const { rows, condition, outstanding } = judge(SUBDOMAIN, { ns1: {}, proof: proofOf([], []), negativeTTL: 600 });
    expect(rows.map(({ state, action, reason }) => ({ state, action, reason }))).toEqual([
      { state: "Missing", action: "Add", reason: "RecordMissing" },
      { state: "Missing", action: "Add", reason: "RecordMissing" },
    ]);
    expect(condition).toEqual({
      status: "False",
      reason: "RecordMissing",
      message: `Add CNAME shop.acme.com with value '${TARGET}' to bring visitors here. Resolvers that asked before may remember for up to 600 s that it is missing.`,
    });
    expect(outstanding).toEqual([
      expect.objectContaining({ type: "TXT", name: PROOF.name, value: PROOF.value, purpose: "Ownership", required: true }),
      expect.objectContaining({ type: "CNAME", name: "shop.acme.com", value: TARGET, purpose: "Routing", required: true }),
    ]);
  });

  test("that was never looked at lists everything to publish", () => {
    const desired = desiredRecords(SUBDOMAIN);
    expect(verificationRecords([], desired).map(({ type, value }) => [type, value])).toEqual([
      ["TXT", PROOF.value],
      ["CNAME", TARGET],
    ]);
    expect(dnsCondition([], desired)).toMatchObject({ status: "Unknown", reason: "NotChecked" });
  });

  test.each([
    ["an accepted target", { "CNAME shop.acme.com": ["old-edge.saas.net"] }],
    ["a chain that passes the target", { "CNAME shop.acme.com": ["cdn.acme.com", TARGET] }],
    ["a flattened CNAME: the target's addresses", { "A shop.acme.com": ["198.51.100.11", "198.51.100.10"] }],
    ["one of the target's addresses", { "A shop.acme.com": ["198.51.100.10"] }],
  ])("%s is right", (_, ns1) => {
    expect(judge(SUBDOMAIN, { ns1, proof: PROVEN }).condition.status).toBe("True");
  });

  test("an alias of an alias is judged by where visitors arrive", () => {
    const ns1 = { "CNAME shop.acme.com": ["alias.elsewhere.net"] };
    const arrived = { "shop.acme.com": { kind: "found", addresses: ["198.51.100.10"] } } as const;
    expect(judge(SUBDOMAIN, { ns1, visitors: arrived }).condition.status).toBe("True");
    const astray = { "shop.acme.com": { kind: "found", addresses: ["203.0.113.9"] } } as const;
    expect(judge(SUBDOMAIN, { ns1, visitors: astray }).condition).toMatchObject({ status: "False", reason: "WrongRecord" });
  });

  test("a CNAME elsewhere is to be changed", () => {
    const { condition, rows } = judge(SUBDOMAIN, { ns1: { "CNAME shop.acme.com": ["shops.example-store.net"] } });
    expect(condition).toEqual({
      status: "False",
      reason: "WrongRecord",
      message: `Replace shop.acme.com, which leads to shops.example-store.net, by CNAME shop.acme.com with value '${TARGET}' to bring visitors here.`,
    });
    expect(row(rows, "CNAME", "shop.acme.com")).toMatchObject({
      state: "Mismatch",
      action: "Change",
      found: ["shops.example-store.net"],
    });
  });

  test("old address records are to be replaced", () => {
    const { condition } = judge(SUBDOMAIN, {
      ns1: { "A shop.acme.com": ["203.0.113.9"], "AAAA shop.acme.com": ["2001:db8::5"] },
    });
    expect(condition.message).toContain("Replace the address records of shop.acme.com (2001:db8::5, 203.0.113.9)");
  });

  test("address records beside the CNAME are to be removed, by family", () => {
    const ns1 = { "CNAME shop.acme.com": [TARGET], "A shop.acme.com": ["203.0.113.9"], "AAAA shop.acme.com": ["2001:db8::5"] };
    const { rows, condition } = judge(SUBDOMAIN, { ns1 });
    expect(condition).toMatchObject({ status: "False", reason: "ExtraRecord" });
    expect(condition.message).toBe(
      "Remove A shop.acme.com 203.0.113.9: some visitors would not reach us. 1 more in status.dnsRecords.",
    );
    expect(row(rows, "AAAA", "shop.acme.com")).toMatchObject({
      desired: [],
      found: ["2001:db8::5"],
      state: "Extra",
      action: "Remove",
      reason: "ExtraRecord",
    });
    expect(row(rows, "CNAME", "shop.acme.com")).toMatchObject({ state: "Ok" });
  });

  test("the target's own addresses beside the CNAME are not extra", () => {
    const ns1 = { "CNAME shop.acme.com": [TARGET], "A shop.acme.com": ["198.51.100.10"] };
    expect(judge(SUBDOMAIN, { ns1 }).condition.status).toBe("True");
  });

  test("a value to which the provider appended the zone", () => {
    const { condition } = judge(SUBDOMAIN, { ns1: { "CNAME shop.acme.com": [`${TARGET}.acme.com`] } });
    expect(condition).toMatchObject({ reason: "DoubledZone" });
    expect(condition.message).toContain(`Write the value with a final dot: '${TARGET}.'`);
    const near = judge(SUBDOMAIN, { ns1: { "CNAME shop.acme.com": [`${TARGET}.acme.org`] } });
    expect(near.condition.message).not.toContain("final dot");
  });

  test("a name to which the provider appended the zone", () => {
    const { condition, rows } = judge(SUBDOMAIN, { ns1: { "CNAME shop.acme.com.acme.com": [TARGET] } });
    expect(condition).toMatchObject({
      reason: "DoubledZone",
      message: expect.stringContaining("Enter the name as 'shop' instead"),
    });
    expect(condition.message).toContain(TARGET);
    expect(row(rows, "CNAME", "shop.acme.com")).toMatchObject({ state: "Missing", action: "Change", desired: [TARGET] });
    expect(row(rows, "CNAME", "shop.acme.com.acme.com")).toMatchObject({ state: "Extra", action: "Remove", found: [TARGET] });
    const near = judge(SUBDOMAIN, { ns1: { "CNAME shop.acme.com.acme.com": ["elsewhere.net"] } });
    expect(near.condition.reason).toBe("RecordMissing");
  });

  test("addresses of Cloudflare that are not the target's: proxied elsewhere", () => {
    const { condition } = judge(SUBDOMAIN, {
      ns1: { "A shop.acme.com": ["104.16.1.1", "104.16.2.2"], "AAAA shop.acme.com": ["2606:4700::1"] },
    });
    expect(condition).toMatchObject({ status: "False", reason: "ProxiedElsewhere" });
    const mixed = judge(SUBDOMAIN, { ns1: { "A shop.acme.com": ["104.16.1.1", "203.0.113.9"] } });
    expect(mixed.condition.reason).toBe("WrongRecord");
    const flattened = judge(SUBDOMAIN, {
      ns1: { "A shop.acme.com": ["104.16.1.1"] },
      visitors: { [TARGET]: { kind: "found", addresses: ["104.16.1.1"] } },
    });
    expect(flattened.condition.status).toBe("True");
  });

  test("behind another account's proxy, Cloudflare's word that it serves the name counts", () => {
    const world: World = { ns1: { "A shop.acme.com": ["104.16.1.1"] } };
    const reported = (status: string) =>
      judge(
        { ...SUBDOMAIN, rows: [{ hostname: "shop.acme.com", status, ownershipVerification: undefined, ssl: undefined }] },
        world,
      );
    expect(reported("active").condition.status).toBe("True");
    expect(reported("moved").condition.reason).toBe("ProxiedElsewhere");
    const elsewhere = judge(
      { ...SUBDOMAIN, rows: [{ hostname: "shop.acme.com", status: "active", ownershipVerification: undefined, ssl: undefined }] },
      { ns1: { "A shop.acme.com": ["203.0.113.9"] } },
    );
    expect(elsewhere.condition.reason).toBe("WrongRecord");
  });

  test("addresses prove nothing while the target's are unknown", () => {
    const lost = { kind: "unknown", reason: "ResolverUnreachable", message: "no resolver answers" } as const;
    const world = { ns1: { "A shop.acme.com": ["203.0.113.9"] }, visitors: { [TARGET]: lost } };
    expect(judge(SUBDOMAIN, world).condition).toMatchObject({ status: "Unknown", reason: "ResolverUnreachable" });
    expect(judge(SUBDOMAIN, { ...world, ns1: { "CNAME shop.acme.com": [TARGET] } }).condition.status).toBe("True");
  });

  test.each(["AuthoritativeUnreachable", "DNSSECBogus", "ResolverUnreachable"] as const)(
    "%s is Unknown, never False",
    (reason) => {
      const lost: Observed = { kind: "unknown", reason, message: "could not ask" };
      const { rows, condition, outstanding } = judge(SUBDOMAIN, { ns1: {}, unknown: { "A shop.acme.com": lost } });
      expect(condition).toMatchObject({ status: "Unknown", reason });
      expect(row(rows, "CNAME", "shop.acme.com")).toMatchObject({ state: "Unknown", action: "None", found: [] });
      expect(outstanding).toContainEqual(expect.objectContaining({ type: "CNAME", value: TARGET }));
    },
  );

  test("a domain that does not exist", () => {
    const gone: Observed = { kind: "unknown", reason: "NXDomain", message: "The domain acme.com does not exist" };
    const { condition } = judge(SUBDOMAIN, {
      ns1: {},
      unknown: { "CNAME shop.acme.com": gone, "A shop.acme.com": gone, "AAAA shop.acme.com": gone },
    });
    expect(condition).toMatchObject({
      status: "False",
      reason: "NXDomain",
      message: expect.stringContaining("Then add CNAME shop.acme.com"),
    });
  });

  test("servers that disagree are named, and nobody has to act", () => {
    const { rows, condition } = judge(SUBDOMAIN, { ns1: { "CNAME shop.acme.com": [TARGET] }, ns2: {} });
    expect(condition).toMatchObject({ status: "False", reason: "Propagating" });
    expect(condition.message).toContain(
      "ns1.acme.com (192.0.2.1) already answers with the record, ns2.acme.com (192.0.2.2) not yet",
    );
    expect(row(rows, "CNAME", "shop.acme.com")).toMatchObject({ action: "None" });
  });

  test("resolvers that still remember the absence", () => {
    const world = { ns1: { "CNAME shop.acme.com": [TARGET] }, proof: PROVEN };
    const { condition } = judge(SUBDOMAIN, { ...world, visitors: { "shop.acme.com": { kind: "none", negativeTTL: 240 } } });
    expect(condition).toMatchObject({ status: "False", reason: "NegativeCached", message: expect.stringContaining("240 s") });
    expect(judge(SUBDOMAIN, { ...world, visitors: { "shop.acme.com": TARGET_VIEW } }).condition.status).toBe("True");
  });

  test("strangers' bytes never get out", () => {
    const ns1 = { "CNAME shop.acme.com": ["evil\u001b[2J.acme.com"] };
    const proof = proofOf(["\u0007bell", "x".repeat(129), "v=spf1 -all"], ["v=spf1 -all"]);
    const { rows, condition } = judge(SUBDOMAIN, { ns1, proof });
    expect(row(rows, "CNAME", "shop.acme.com")?.found).toEqual(["<17 bytes>"]);
    expect(row(rows, "TXT", PROOF.name)?.found).toEqual(["<5 bytes>", "v=spf1 -all", "<129 bytes>"]);
    expect(JSON.stringify([rows, condition])).not.toMatch(/evil|bell/);
  });

  test("at most 8 values are shown, sorted, so that rotation writes nothing", () => {
    const values = Array.from({ length: 12 }, (_, index) => `value-${index}`);
    const first = judge(SUBDOMAIN, { ns1: {}, proof: proofOf(values) });
    expect(row(first.rows, "TXT", PROOF.name)?.found).toHaveLength(8);
    expect(judge(SUBDOMAIN, { ns1: {}, proof: proofOf(values.toReversed()) }).rows).toEqual(first.rows);
  });
});
