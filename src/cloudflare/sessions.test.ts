import { describe, expect, test } from "vitest";
import { TOKEN, ZONE_ID } from "../../test/simulators/cloudflare/fixture.ts";
import { errorOf, never, ssl } from "./client.testing.ts";
import { setUp } from "./sessions.testing.ts";

describe("writes", () => {
  test("are recorded with who, what, why, before and after, and without tokens", async () => {
    const { api, records, pass } = await setUp();
    const mine = api("a.customer.dev", { why: "spec changed" });
    const { hostname } = await mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never);
    await pass(5_000);
    const row = await mine.get(ZONE_ID, hostname.id, never);
    await mine.edit(ZONE_ID, hostname.id, { ssl: { ...ssl, settings: { minTLSVersion: "1.3" } } }, never);
    await mine.delete(ZONE_ID, hostname.id, never);
    const subject = "CustomDomain/shop/a.customer.dev";
    expect(records.map(({ action, outcome, subject, why }) => [action, outcome, subject, why])).toEqual([
      ["create", "done", subject, "spec changed"],
      ["edit", "done", subject, "spec changed"],
      ["delete", "done", subject, "spec changed"],
    ]);
    expect(records[1]).toMatchObject({
      before: { settings: { minTLSVersion: undefined } },
      after: { settings: { minTLSVersion: "1.3" }, hostname: "a.customer.dev" },
    });
    const record = row?.ssl?.validationRecords[0];
    const secrets = [TOKEN, row?.ownershipVerification?.value, record?.kind === "txt" ? record.value : undefined];
    for (const secret of secrets) {
      expect(secret).toBeTruthy();
      expect(JSON.stringify(records)).not.toContain(secret);
    }
  });

  test("are not sent, nor recorded, by who does not lead", async () => {
    const { api, leader, records, simulator } = await setUp();
    const mine = api("a.customer.dev");
    const { hostname } = await mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never);
    leader.leading = false;
    simulator.resetCounters();
    await expect(mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never)).rejects.toThrow("not the leader");
    await expect(mine.edit(ZONE_ID, hostname.id, { ssl }, never)).rejects.toThrow("not the leader");
    await expect(mine.delete(ZONE_ID, hostname.id, never)).rejects.toThrow("not the leader");
    expect([simulator.counters(), records.length]).toEqual([{}, 1]);
  });

  test("touch only rows that were read in this pass and carry a hostname of the domain", async () => {
    const { api, simulator, total } = await setUp();
    const id = simulator.addForeignRow({ hostname: "b.customer.dev" });
    const mine = api("a.customer.dev");
    expect(await errorOf(mine.delete(ZONE_ID, id, never))).toMatchObject({ class: "OperatorBug", ambiguous: false });
    await mine.get(ZONE_ID, id, never);
    expect((await errorOf(mine.delete(ZONE_ID, id, never))).message).toContain("b.customer.dev is not a hostname of");
    expect((await errorOf(mine.edit(ZONE_ID, id, { ssl }, never))).class).toBe("OperatorBug");
    expect((await errorOf(mine.create(ZONE_ID, { hostname: "b.customer.dev", ssl }, never))).class).toBe("OperatorBug");
    expect([total(), simulator.rows().length]).toEqual([1, 1]);
  });

  test("whose answer is lost are recorded as unknown, refused ones as refused", async () => {
    const { api, simulator, records } = await setUp();
    simulator.addFault({ method: "POST", path: "/client/v4/zones/:zone/custom_hostnames", times: 1, dropAfter: true });
    const mine = api("a.customer.dev");
    expect((await errorOf(mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never))).ambiguous).toBe(true);
    expect((await errorOf(mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never))).class).toBe("Duplicate");
    expect(records.map(({ outcome }) => outcome)).toEqual(["unknown", "refused"]);
  });

  test("show at once in the snapshot", async () => {
    const { api, session } = await setUp();
    const mine = api("a.customer.dev");
    const { hostname } = await mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never);
    expect(session.snapshot.byHostname("a.customer.dev").map(({ id }) => id)).toEqual([hostname.id]);
    await mine.delete(ZONE_ID, hostname.id, never);
    expect(session.snapshot.byHostname("a.customer.dev")).toEqual([]);
  });
});
