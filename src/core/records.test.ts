import { describe, expect, test } from "vitest";
import { type DesiredInput, desiredRecords, type RowRecords } from "./desired-records.ts";
import {
  type CAARecord,
  type Discovered,
  type IssuanceView,
  type Observed,
  type ProofView,
  questionKey,
  questionsFor,
  type VisitorView,
} from "./discovery.ts";
import { diffRecords, dnsCondition, verificationRecords } from "./records.ts";

const TARGET = "edge.saas.net";
const PROOF = { name: "_customdomains-challenge.shop.acme.com", value: "customdomains-verify=abcdefghijklmnopqrstuvwxyz234567" };
const DNS: DesiredInput["dns"] = {
  target: TARGET,
  acceptedTargets: ["old-edge.saas.net"],
  apex: { mode: "Flattening", addresses: [] },
};
const SUBDOMAIN: DesiredInput = {
  hostname: { name: "shop.acme.com", registrableDomain: "acme.com", isApex: false, wwwTwin: undefined },
  proof: PROOF,
  dns: DNS,
  rows: [],
};

function apex(mode: DesiredInput["dns"]["apex"]["mode"], addresses: readonly string[] = []): DesiredInput {
  const hostname = {
    name: "acme.com",
    registrableDomain: "acme.com",
    isApex: true,
    wwwTwin: mode === "Unsupported" ? undefined : "www.acme.com",
  };
  return {
    hostname,
    proof: { ...PROOF, name: "_customdomains-challenge.acme.com" },
    dns: { ...DNS, apex: { mode, addresses } },
    rows: [],
  };
}

/** Server → "TYPE name" → values; a value `→target` of type CNAME also ends every other question at the name. */
type Zone = Readonly<Record<string, readonly string[]>>;

interface World {
  readonly ns1: Zone;
  /** As ns1 unless given. */
  readonly ns2?: Zone;
  readonly visitors?: Readonly<Record<string, VisitorView>>;
  readonly proof?: ProofView;
  readonly unknown?: Readonly<Record<string, Observed>>;
  readonly issuance?: Readonly<Record<string, IssuanceView>>;
  readonly negativeTTL?: number;
}

const TARGET_VIEW: VisitorView = { kind: "found", addresses: ["198.51.100.10", "198.51.100.11"] };

function discovered(input: DesiredInput, world: World): Discovered {
  const desired = desiredRecords(input);
  const zones: Readonly<Record<string, Zone>> = {
    "ns1.acme.com (192.0.2.1)": world.ns1,
    "ns2.acme.com (192.0.2.2)": world.ns2 ?? world.ns1,
  };
  const keys = [...questionsFor(desired).map(questionKey), ...Object.keys(world.ns1)];
  const answers = new Map<string, Observed>();
  for (const key of keys) {
    const [type = "", name = ""] = key.split(" ");
    const servers = Object.entries(zones).map(([server, zone]) => ({
      server,
      chain: type === "CNAME" ? [] : (zone[`CNAME ${name}`] ?? []),
      values: zone[key] ?? [],
    }));
    answers.set(key, world.unknown?.[key] ?? { kind: "known", servers, negativeTTL: world.negativeTTL });
  }
  const visitors = { [TARGET]: TARGET_VIEW, "old-edge.saas.net": { kind: "none", negativeTTL: 60 } as const, ...world.visitors };
  return {
    answers,
    visitors: new Map(Object.entries(visitors)),
    proof: world.proof,
    issuance: new Map(Object.entries(world.issuance ?? {})),
  };
}

function judge(input: DesiredInput, world: World) {
  const desired = desiredRecords(input);
  const rows = diffRecords(desired, discovered(input, world));
  return { desired, rows, condition: dnsCondition(rows, desired), outstanding: verificationRecords(rows, desired) };
}

function proofOf(...values: readonly (readonly string[])[]): ProofView {
  return {
    kind: "complete",
    servers: values.map((each, index) => ({ name: `ns${index + 1}.acme.com`, address: `192.0.2.${index + 1}`, values: each })),
  };
}

const PROVEN = proofOf([PROOF.value], [PROOF.value]);
const row = (rows: ReturnType<typeof judge>["rows"], type: string, name: string) =>
  rows.find((each) => each.type === type && each.name === name);

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
    expect(condition.message).toContain(`Write the value with a final dot: '${TARGET}.'`);
    const near = judge(SUBDOMAIN, { ns1: { "CNAME shop.acme.com": [`${TARGET}.acme.org`] } });
    expect(near.condition.message).not.toContain("final dot");
  });

  test("a name to which the provider appended the zone", () => {
    const { condition, rows } = judge(SUBDOMAIN, { ns1: { "CNAME shop.acme.com.acme.com": [TARGET] } });
    expect(condition).toMatchObject({
      reason: "WrongRecord",
      message: expect.stringContaining("Enter the name as 'shop' instead"),
    });
    expect(row(rows, "CNAME", "shop.acme.com")).toMatchObject({ state: "Missing", action: "Change" });
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

describe("an apex", () => {
  test.each(["Flattening", "Unsupported"] as const)("%s: the target's addresses are right, whoever flattened them", (mode) => {
    expect(judge(apex(mode), { ns1: { "A acme.com": ["198.51.100.10"] } }).condition.status).toBe("True");
  });

  test("Flattening tells the kinds of record that do it", () => {
    const { condition, outstanding } = judge(apex("Flattening"), { ns1: {} });
    expect(condition).toMatchObject({ reason: "RecordMissing", message: expect.stringContaining("an ALIAS or ANAME record") });
    expect(outstanding.find(({ name, purpose }) => name === "acme.com" && purpose === "Routing")?.reason).toContain("flattens");
  });

  test("Flattening: a stray address beside the target's, and IPv6 that the target lacks", () => {
    const { rows, condition } = judge(apex("Flattening"), {
      ns1: { "A acme.com": ["198.51.100.10", "203.0.113.9"], "AAAA acme.com": ["2001:db8::5"] },
    });
    expect(condition).toMatchObject({ status: "False", reason: "ExtraRecord" });
    expect(row(rows, "A", "acme.com")).toMatchObject({ found: ["203.0.113.9"], action: "Remove" });
    expect(row(rows, "AAAA", "acme.com")?.message).toContain("visitors with IPv6");
  });

  test("Unsupported: told with every way out, never an impossible record alone", () => {
    const { condition } = judge(apex("Unsupported"), { ns1: { "A acme.com": ["203.0.113.9"] } });
    expect(condition).toMatchObject({ status: "False", reason: "ApexNeedsAlias" });
    for (const way of ["ALIAS", "flattened CNAME", "www.acme.com", "move the DNS"]) expect(condition.message).toContain(way);
  });

  test("StaticAddresses: A of the class; AAAA is welcome, not awaited", () => {
    const input = apex("StaticAddresses", ["192.0.2.80", "192.0.2.81", "2001:DB8:80:0::1"]);
    const { rows, condition } = judge(input, { ns1: { "A acme.com": ["192.0.2.80"] } });
    expect(condition.status).toBe("True");
    expect(row(rows, "A", "acme.com")).toMatchObject({ desired: ["192.0.2.80", "192.0.2.81"], state: "Ok" });
    const wrong = judge(input, { ns1: { "A acme.com": ["203.0.113.9"] } });
    expect(wrong.condition).toMatchObject({
      status: "False",
      reason: "WrongRecord",
      message: expect.stringContaining("'192.0.2.80', '192.0.2.81'"),
    });
  });

  test("StaticAddresses: a stray address is removed once", () => {
    const input = apex("StaticAddresses", ["192.0.2.80", "2001:db8:80::1"]);
    const { rows } = judge(input, { ns1: { "A acme.com": ["192.0.2.80", "203.0.113.9"], "AAAA acme.com": ["2001:db8:80::1"] } });
    expect(rows.filter(({ state }) => state === "Extra")).toEqual([
      expect.objectContaining({ type: "A", found: ["203.0.113.9"] }),
    ]);
  });

  test("its www twin is listed and never awaited", () => {
    const { rows, condition, outstanding } = judge(apex("Flattening"), { ns1: { "A acme.com": ["198.51.100.10"] } });
    expect(row(rows, "CNAME", "www.acme.com")).toMatchObject({ state: "Missing" });
    expect(condition.status).toBe("True");
    expect(outstanding).toContainEqual(expect.objectContaining({ name: "www.acme.com", required: false }));
  });
});

describe("the ownership TXT", () => {
  const proofRow = (proof: ProofView, ns1: Zone = {}) => row(judge(SUBDOMAIN, { ns1, proof }).rows, "TXT", PROOF.name);

  test.each([
    ["quotation marks", `"${PROOF.value}"`, "quotation marks"],
    ["escaped quotation marks", `\\"${PROOF.value}\\"`, "quotation marks"],
    ["typographic quotation marks", `\u201c${PROOF.value}\u201d`, "quotation marks"],
    ["a space", ` ${PROOF.value}`, "spaces"],
    ["capitals", PROOF.value.toUpperCase(), "upper and lower case"],
  ])("with %s", (_, value, text) => {
    expect(proofRow(proofOf([value]))).toMatchObject({
      state: "Mismatch",
      action: "Change",
      reason: "WrongRecord",
      message: expect.stringContaining(text),
    });
  });

  test("with the value of another account", () => {
    const message = expect.stringContaining("another account");
    expect(proofRow(proofOf(["customdomains-verify=zzz"]))).toMatchObject({ state: "Mismatch", reason: "WrongRecord", message });
    expect(proofRow(proofOf(["google-site-verification=zzz"]))).toMatchObject({ state: "Missing", reason: "RecordMissing" });
  });

  test.each([
    [
      "TXT _customdomains-challenge.shop.acme.com.acme.com",
      "appended the zone. Enter the name as '_customdomains-challenge.shop'",
    ],
    ["TXT customdomains-challenge.shop.acme.com", "without the underscore"],
    ["TXT shop.acme.com", "at shop.acme.com instead of"],
    ["TXT _customdomains-challenge.acme.com", "at _customdomains-challenge.acme.com instead of"],
  ])("at %s", (key, text) => {
    expect(proofRow(proofOf([]), { [key]: [PROOF.value] })).toMatchObject({
      state: "Missing",
      action: "Change",
      reason: "WrongRecord",
      message: expect.stringContaining(text),
    });
    expect(proofRow(proofOf([]), { [key]: ["v=spf1 -all"] })).toMatchObject({ reason: "RecordMissing" });
  });

  test("that servers disagree about", () => {
    expect(proofRow(proofOf([PROOF.value], []))).toMatchObject({
      state: "Mismatch",
      action: "None",
      reason: "Propagating",
      message: expect.stringContaining("ns2.acme.com (192.0.2.2) not yet"),
    });
  });

  test("that a wildcard answers for", () => {
    const proof: ProofView = { ...PROVEN, kind: "refused", reason: "WildcardCapture", message: "A wildcard record answers" };
    expect(proofRow(proof)).toMatchObject({
      state: "Mismatch",
      action: "Change",
      reason: "WildcardCapture",
      message: expect.stringContaining(PROOF.value),
    });
  });

  test("that could not be read is Unknown", () => {
    const proof: ProofView = { kind: "incomplete", reason: "DNSSECBogus", message: "The signatures are wrong", servers: [] };
    expect(proofRow(proof)).toMatchObject({ state: "Unknown", action: "None", reason: "DNSSECBogus" });
  });

  test("is not listed where Cloudflare's validation is proof enough", () => {
    const { rows } = judge({ ...SUBDOMAIN, proof: undefined }, { ns1: {} });
    expect(rows.map(({ purpose }) => purpose)).toEqual(["Routing"]);
  });
});

describe("Cloudflare's records", () => {
  const CHALLENGE = "_acme-challenge.shop.acme.com";
  const DELEGATION = "shop.acme.com.9dbb86635115718e.dcv.cloudflare.com";

  function cloudflare(values: readonly string[], delegated = false): DesiredInput {
    const row: RowRecords = {
      hostname: "shop.acme.com",
      status: "pending",
      ownershipVerification: {
        type: "txt",
        name: "_cf-custom-hostname.shop.acme.com",
        value: "0e2d5a7f-1548-4f27-8c05-b577cb14f4ec",
      },
      ssl: {
        status: "pending_validation",
        certificateAuthority: "google",
        validationRecords: values.map((value) => ({ kind: "txt", name: CHALLENGE, value, status: "pending" })),
        dcvDelegationRecords: delegated ? [{ name: CHALLENGE, target: DELEGATION }] : [],
      },
    };
    return { ...SUBDOMAIN, rows: [row] };
  }

  const challengeRow = (input: DesiredInput, ns1: Zone) => row(judge(input, { ns1 }).rows, "TXT", CHALLENGE);

  test("are listed once each and awaited never", () => {
    const { outstanding, rows } = judge(cloudflare(["token-a", "token-a"], true), {
      ns1: { "CNAME shop.acme.com": [TARGET] },
      proof: PROVEN,
    });
    expect(outstanding.map(({ type, name, value, required }) => [type, name, value, required])).toEqual([
      ["TXT", "_cf-custom-hostname.shop.acme.com", "0e2d5a7f-1548-4f27-8c05-b577cb14f4ec", false],
      ["TXT", CHALLENGE, "token-a", false],
      ["CNAME", CHALLENGE, DELEGATION, false],
    ]);
    expect(dnsCondition(rows, desiredRecords(cloudflare(["token-a"], true))).status).toBe("True");
  });

  test("several values under one name are one row, and all of them are needed", () => {
    const input = cloudflare(["token-a", "token-b"]);
    expect(challengeRow(input, {})).toMatchObject({
      desired: ["token-a", "token-b"],
      state: "Missing",
      message: expect.stringContaining("all of these values are needed"),
    });
    expect(challengeRow(input, { [`TXT ${CHALLENGE}`]: ["token-a"] })).toMatchObject({
      state: "Mismatch",
      reason: "WrongRecord",
    });
    expect(challengeRow(input, { [`TXT ${CHALLENGE}`]: ["token-b", "token-a", "other"] })).toMatchObject({ state: "Ok" });
    expect(judge(input, { ns1: {} }).outstanding.filter(({ name }) => name === CHALLENGE)).toHaveLength(2);
  });

  test("a CNAME elsewhere hides the challenge", () => {
    const { rows } = judge(cloudflare(["token-a"]), { ns1: { [`CNAME ${CHALLENGE}`]: ["validation.elsewhere.net"] } });
    expect(row(rows, "TXT", CHALLENGE)).toMatchObject({ state: "Missing", reason: "ConflictingChallengeRecord" });
    expect(row(rows, "CNAME", CHALLENGE)).toMatchObject({
      state: "Extra",
      action: "Remove",
      reason: "ConflictingChallengeRecord",
      found: ["validation.elsewhere.net"],
    });
  });

  test("the delegation makes the TXT unnecessary, and the other way round", () => {
    const input = cloudflare(["token-a"], true);
    const delegated = judge(input, { ns1: { [`CNAME ${CHALLENGE}`]: [DELEGATION] } }).rows;
    expect([row(delegated, "TXT", CHALLENGE)?.state, row(delegated, "CNAME", CHALLENGE)?.state]).toEqual(["Ok", "Ok"]);
    const direct = judge(input, { ns1: { [`TXT ${CHALLENGE}`]: ["token-a"] } }).rows;
    expect([row(direct, "TXT", CHALLENGE)?.state, row(direct, "CNAME", CHALLENGE)?.state]).toEqual(["Ok", "Ok"]);
  });

  test("a stale TXT beside the delegation is to be removed; another CNAME is to be changed", () => {
    const input = cloudflare(["token-a"], true);
    const stale = judge(input, { ns1: { [`CNAME ${CHALLENGE}`]: [DELEGATION], [`TXT ${CHALLENGE}`]: ["old"] } }).rows;
    expect(stale).toContainEqual(
      expect.objectContaining({ type: "TXT", name: CHALLENGE, state: "Extra", reason: "ConflictingChallengeRecord" }),
    );
    const elsewhere = judge(input, { ns1: { [`CNAME ${CHALLENGE}`]: ["validation.elsewhere.net"] } }).rows;
    expect(elsewhere).toContainEqual(
      expect.objectContaining({ type: "CNAME", action: "Change", reason: "ConflictingChallengeRecord" }),
    );
  });

  test("are gone once the certificate is there", () => {
    const active = {
      hostname: "shop.acme.com",
      status: "active",
      ownershipVerification: undefined,
      ssl: {
        status: "active",
        certificateAuthority: "google",
        validationRecords: [],
        dcvDelegationRecords: [{ name: CHALLENGE, target: DELEGATION }],
      },
    };
    expect(desiredRecords({ ...SUBDOMAIN, rows: [active] })).toHaveLength(2);
  });

  describe("CAA", () => {
    const caa = (...values: readonly string[]): readonly CAARecord[] =>
      values.map((value) => ({ critical: false, tag: "issue", value }));
    const judged = (records: readonly CAARecord[]) =>
      judge(cloudflare(["t"]), { ns1: {}, issuance: { "shop.acme.com": { kind: "restricted", name: "acme.com", records } } });

    test("that forbids the authority is told at the name that holds it, with the line to add", () => {
      const { rows, outstanding } = judged(caa("letsencrypt.org"));
      expect(row(rows, "CAA", "acme.com")).toMatchObject({
        state: "Mismatch",
        action: "Add",
        reason: "CAAForbids",
        found: ['0 issue "letsencrypt.org"'],
        desired: ['0 issue "pki.goog"'],
      });
      expect(outstanding).toContainEqual(expect.objectContaining({ type: "CAA", name: "acme.com", value: '0 issue "pki.goog"' }));
    });

    test.each([
      ["the authority", caa("letsencrypt.org", "pki.goog")],
      ["the authority with parameters", caa("pki.goog; accounturi=https://x")],
      ["no issue property", [{ critical: false, tag: "iodef", value: "mailto:x@acme.com" }]],
    ])("with %s permits", (_, records) => {
      expect(row(judged(records).rows, "CAA", "acme.com")).toBeUndefined();
      expect(judged(records).outstanding.some(({ type }) => type === "CAA")).toBe(false);
    });

    test.each([
      ["nobody", caa(";")],
      ["an unknown critical property", [...caa("pki.goog"), { critical: true, tag: "future", value: "x" }]],
    ])("with %s forbids", (_, records) => {
      expect(row(judged(records).rows, "CAA", "acme.com")?.reason).toBe("CAAForbids");
    });

    test("that cannot be read", () => {
      const { rows } = judge(cloudflare(["t"]), {
        ns1: {},
        issuance: { "shop.acme.com": { kind: "unknown", message: "could not be read" } },
      });
      expect(row(rows, "CAA", "shop.acme.com")).toMatchObject({ state: "Unknown", reason: "CAAUnreachable" });
    });
  });
});
