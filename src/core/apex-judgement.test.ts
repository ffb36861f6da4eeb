import { describe, expect, test } from "vitest";
import { apex, judge, row, TARGET, type Zone } from "./records.testing.ts";
import { namesLeadingHere } from "./records.ts";

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

  test.each<[string, Zone, readonly string[]]>([
    ["neither", {}, []],
    ["the name", { "A acme.com": ["198.51.100.10"] }, ["acme.com"]],
    ["the twin", { "CNAME www.acme.com": [TARGET] }, ["www.acme.com"]],
    ["both", { "A acme.com": ["198.51.100.10"], "CNAME www.acme.com": [TARGET] }, ["acme.com", "www.acme.com"]],
    [
      "the twin, the name with a stray",
      { "A acme.com": ["198.51.100.10", "203.0.113.9"], "CNAME www.acme.com": [TARGET] },
      ["www.acme.com"],
    ],
  ])("of it and its twin, %s may lead here", (_, ns1, names) => {
    const { rows, desired } = judge(apex("Flattening"), { ns1 });
    expect([...namesLeadingHere(rows, desired)]).toEqual(names);
  });

  test("StaticAddresses: the records that are awaited decide whether it leads here", () => {
    const { rows, desired } = judge(apex("StaticAddresses", ["192.0.2.80", "2001:db8:80::1"]), {
      ns1: { "A acme.com": ["192.0.2.80"] },
    });
    expect([...namesLeadingHere(rows, desired)]).toEqual(["acme.com"]);
    expect(row(rows, "A", "acme.com")).not.toHaveProperty("reason");
    const onlyIPv6 = judge(apex("StaticAddresses", ["2001:db8:80::1"]), { ns1: { "AAAA acme.com": ["2001:db8:80::1"] } });
    expect([...namesLeadingHere(onlyIPv6.rows, onlyIPv6.desired)]).toEqual(["acme.com"]);
  });
});
