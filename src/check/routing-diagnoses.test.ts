import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DesiredInput } from "../core/desired-records.ts";
import { type Customer, DiagnosisStage, NEGATIVE_TTL, NS1, NS2, RESOLVER, TARGET, TARGET_ADDRESS } from "./diagnosis.testing.ts";

let stage: DiagnosisStage;

beforeAll(async () => {
  stage = await DiagnosisStage.start();
});
afterAll(() => stage.dns.close());
afterEach(() => stage.dns.clearFaults());

const served = (hostname: string): DesiredInput["rows"][number] => ({
  hostname,
  status: "active",
  ownershipVerification: undefined,
  ssl: undefined,
});

/** Each with the same look at something that is nearly so, and must not be taken for it. */
describe("of the record that brings visitors, it is told when it", () => {
  test("is missing, and for how long resolvers may remember that", async () => {
    const customer = stage.domain();
    const { row, condition, outstanding } = await customer.look();
    expect(row("CNAME", customer.host)).toMatchObject({
      state: "Missing",
      action: "Add",
      desired: [TARGET],
      found: [],
      reason: "RecordMissing",
    });
    expect(condition).toMatchObject({ status: "False", reason: "RecordMissing" });
    expect(condition.message).toContain(`up to ${NEGATIVE_TTL} s`);
    expect(outstanding).toContainEqual(expect.objectContaining({ type: "CNAME", name: customer.host, value: TARGET }));
    customer.set(customer.host, "CNAME", [TARGET]);
    const near = await customer.look();
    expect(near.condition).toMatchObject({ status: "True", reason: "RecordsCorrect" });
    expect(near.outstanding.some(({ type }) => type === "CNAME")).toBe(false);
  });

  test("belongs to a domain that nobody registered", async () => {
    const customer = stage.domain({ registered: false });
    const { condition, row } = await customer.look();
    expect(condition).toMatchObject({ status: "False", reason: "NXDomain" });
    expect(condition.message).toContain(TARGET);
    expect(row("TXT", customer.proof.name)).toMatchObject({ state: "Missing", reason: "NXDomain", found: [] });
    // Registered and empty, that is: the registry's denial is remembered until then.
    stage.dns.addZone(customer.domain);
    stage.dns.flush();
    expect((await customer.look()).condition.reason).toBe("RecordMissing");
  });

  test("leads elsewhere", async () => {
    const customer = stage.domain();
    customer.set(customer.host, "CNAME", ["shops.other-store.net"]);
    const { row, condition } = await customer.look();
    expect(row("CNAME", customer.host)).toMatchObject({
      state: "Mismatch",
      action: "Change",
      desired: [TARGET],
      found: ["shops.other-store.net"],
      reason: "WrongRecord",
    });
    expect(condition).toMatchObject({ status: "False", reason: "WrongRecord" });
    stage.dns.setRecords("alias.saas-platform.net", "CNAME", [TARGET]);
    customer.set(customer.host, "CNAME", ["alias.saas-platform.net"]);
    stage.dns.flush();
    expect((await customer.look()).condition.status).toBe("True");
  });

  test("is still the addresses of an earlier host", async () => {
    const customer = stage.domain();
    customer.set(customer.host, "A", ["203.0.113.9"]);
    customer.set(customer.host, "AAAA", ["2001:db8::9"]);
    const { row, condition } = await customer.look();
    expect(row("CNAME", customer.host)).toMatchObject({ found: ["2001:db8::9", "203.0.113.9"], reason: "WrongRecord" });
    expect(condition.message).toContain("Replace the address records");
    customer.set(customer.host, "A", []);
    customer.set(customer.host, "AAAA", []);
    expect((await customer.look()).condition.reason).toBe("RecordMissing");
  });

  test.each([
    ["A", "203.0.113.9", "some visitors"],
    ["AAAA", "2001:db8::5", "visitors with IPv6"],
  ] as const)("has a stray %s beside it", async (type, stray, whom) => {
    const customer = stage.domain();
    const input = customer.apex("StaticAddresses", [TARGET_ADDRESS]);
    customer.set(customer.domain, "A", [TARGET_ADDRESS]);
    expect((await customer.look(input)).condition.status).toBe("True");
    stage.dns.addRecord(customer.domain, type, stray);
    const { rows, condition } = await customer.look(input);
    expect(condition).toMatchObject({ status: "False", reason: "ExtraRecord" });
    expect(rows.find(({ state }) => state === "Extra")).toMatchObject({
      type,
      action: "Remove",
      found: [stray],
      desired: [],
      reason: "ExtraRecord",
      message: expect.stringContaining(whom),
    });
  });

  test("was given the zone's name twice", async () => {
    const customer = stage.domain();
    const doubled = `${customer.host}.${customer.domain}`;
    customer.set(doubled, "CNAME", [TARGET]);
    const { row, condition } = await customer.look();
    expect(condition).toMatchObject({ status: "False", reason: "DoubledZone" });
    expect(condition.message).toContain("Enter the name as 'shop'");
    expect(row("CNAME", customer.host)).toMatchObject({ state: "Missing", action: "Change", desired: [TARGET] });
    expect(row("CNAME", doubled)).toMatchObject({ state: "Extra", action: "Remove", found: [TARGET], reason: "DoubledZone" });
    customer.set(doubled, "CNAME", ["shops.other-store.net"]);
    const near = await customer.look();
    expect([near.condition.reason, near.row("CNAME", doubled)]).toEqual(["RecordMissing", undefined]);
  });

  test("was given the zone's name behind its value", async () => {
    const customer = stage.domain();
    customer.set(customer.host, "CNAME", [`${TARGET}.${customer.domain}`]);
    const { row, condition } = await customer.look();
    expect(condition).toMatchObject({ status: "False", reason: "DoubledZone" });
    expect(condition.message).toContain(`final dot: '${TARGET}.'`);
    expect(row("CNAME", customer.host)).toMatchObject({ found: [`${TARGET}.${customer.domain}`], desired: [TARGET] });
    customer.set(customer.host, "CNAME", [`${TARGET}.other-store.net`]);
    expect((await customer.look()).condition.reason).toBe("WrongRecord");
  });

  test("is right at one server only, which is named", async () => {
    const customer = stage.domain();
    customer.set(customer.host, "CNAME", [TARGET], NS1);
    const { condition, row } = await customer.look();
    expect(condition).toMatchObject({ status: "False", reason: "Propagating" });
    expect(condition.message).toContain(`ns2.dns-sim.dev (${NS2}) not yet`);
    expect(row("CNAME", customer.host)).toMatchObject({ state: "Mismatch", action: "None", found: [TARGET] });
    customer.set(customer.host, "CNAME", [TARGET], NS2);
    expect((await customer.look()).condition.status).toBe("True");
  });

  test("is there, while resolvers still remember that it was not, and for how long", async () => {
    const customer = stage.domain();
    // A visitor came before the record.
    await customer.look({ dns: { target: customer.host, acceptedTargets: [], apex: { mode: "Flattening", addresses: [] } } });
    customer.set(customer.host, "CNAME", [TARGET]);
    const { condition, row } = await customer.look();
    expect(condition).toMatchObject({ status: "False", reason: "NegativeCached" });
    expect(condition.message).toMatch(/for up to (1[01]\d|120) s/);
    expect(row("CNAME", customer.host)).toMatchObject({ state: "Ok", found: [TARGET], reason: "NegativeCached" });
    stage.dns.flush();
    expect((await customer.look()).condition.reason).toBe("RecordsCorrect");
  });
});

describe("of a name without CNAME, it is told whether it", () => {
  async function addressed(addresses: readonly string[], rows: (customer: Customer) => DesiredInput["rows"] = () => []) {
    const customer = stage.domain();
    customer.set(customer.host, "A", addresses);
    const { row, condition } = await customer.look({ rows: rows(customer) });
    return { row: row("CNAME", customer.host), condition };
  }

  test("is flattened by the DNS provider, which is right", async () => {
    const { row, condition } = await addressed([TARGET_ADDRESS]);
    expect(row).toMatchObject({ state: "Ok", action: "None", found: [TARGET_ADDRESS], reason: "Flattened" });
    expect(condition).toMatchObject({ status: "True", message: expect.stringContaining(`the addresses of ${TARGET}`) });
    const near = await addressed(["127.0.0.22"]);
    expect(near).toMatchObject({ row: { state: "Mismatch", reason: "WrongRecord" }, condition: { status: "False" } });
    const customer = stage.domain();
    customer.set(customer.host, "CNAME", [TARGET]);
    expect((await customer.look()).row("CNAME", customer.host)).not.toHaveProperty("reason");
  });

  test("is proxied in another Cloudflare account, which is not, unless Cloudflare says that it serves it", async () => {
    const { row, condition } = await addressed(["104.16.1.1", "172.64.2.2"]);
    expect(row).toMatchObject({
      state: "Mismatch",
      action: "Change",
      desired: [TARGET],
      found: ["104.16.1.1", "172.64.2.2"],
      reason: "ProxiedElsewhere",
    });
    expect(condition).toMatchObject({ status: "False", reason: "ProxiedElsewhere" });
    expect((await addressed(["104.16.1.1", "203.0.113.9"])).condition.reason).toBe("WrongRecord");
    const active = await addressed(["104.16.1.1"], ({ host }) => [served(host)]);
    expect(active.condition).toMatchObject({ status: "True", message: expect.stringContaining("another Cloudflare account") });
    expect(active.row).not.toHaveProperty("reason");
  });

  test("is an apex for which the provider would need an ALIAS", async () => {
    const customer = stage.domain();
    const input = customer.apex("Unsupported");
    customer.set(customer.domain, "A", ["203.0.113.9"]);
    const { row, condition } = await customer.look(input);
    expect(condition).toMatchObject({ status: "False", reason: "ApexNeedsAlias" });
    expect(row("CNAME", customer.domain)).toMatchObject({ state: "Mismatch", found: ["203.0.113.9"], desired: [TARGET] });
    customer.set(customer.domain, "A", [TARGET_ADDRESS]);
    expect((await customer.look(input)).row("CNAME", customer.domain)).toMatchObject({ state: "Ok", reason: "Flattened" });
    customer.set(customer.domain, "A", ["203.0.113.9"]);
    expect((await customer.look(customer.apex("Flattening"))).condition.reason).toBe("WrongRecord");
  });
});

describe("of DNS that cannot be read, it is told that it is not known, and why:", () => {
  test("the signatures are wrong; that a server fails with or without them is something else", async () => {
    const customer = stage.domain();
    customer.set(customer.host, "CNAME", [TARGET]);
    stage.dns.addFault({ server: RESOLVER, kind: "dnssec-bogus", name: customer.domain });
    const { condition, row } = await customer.look();
    expect(condition).toMatchObject({ status: "Unknown", reason: "DNSSECBogus" });
    expect(row("CNAME", customer.host)).toMatchObject({ state: "Unknown", action: "None", found: [], desired: [TARGET] });
    stage.dns.clearFaults();
    stage.dns.addFault({ server: RESOLVER, kind: "servfail", name: customer.domain });
    expect((await customer.look()).condition).toMatchObject({ status: "Unknown", reason: "AuthoritativeUnreachable" });
  });

  test("the name servers fail; that one of two does is told of nobody", async () => {
    const customer = stage.domain();
    customer.set(customer.host, "CNAME", [TARGET]);
    for (const server of [NS1, NS2]) stage.dns.addFault({ server, kind: "servfail", name: customer.host });
    const { condition } = await customer.look();
    expect(condition).toMatchObject({ status: "Unknown", reason: "AuthoritativeUnreachable" });
    expect(condition.message).toContain("answers SERVFAIL");
    stage.dns.clearFaults();
    stage.dns.addFault({ server: NS1, kind: "servfail", name: customer.host });
    stage.dns.flush();
    expect((await customer.look()).condition.status).toBe("True");
  });

  test("the name servers contradict each other about who answers", async () => {
    const customer = stage.domain();
    customer.set(customer.host, "CNAME", [TARGET]);
    const { stranger } = stage.dns;
    stage.dns.addZone(customer.host, { servers: [stranger.name], nameservers: [stranger], delegated: false });
    stage.dns.addFault({
      server: NS2,
      kind: "referral",
      name: customer.host,
      to: { zone: customer.host, nameservers: [stranger] },
    });
    const { condition } = await customer.look();
    expect(condition).toMatchObject({ status: "Unknown", reason: "InconsistentDelegation" });
    expect(condition.message).toContain(`ns1.dns-sim.dev (${NS1})`);
  });
});
