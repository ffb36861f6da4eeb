import { expect, test } from "vitest";
import {
  call,
  createInitialized,
  DAY_MS,
  EDGE_ADDRESS,
  HOSTNAME,
  post,
  publishOwnership,
  refresh,
  route,
  startFixture,
  TARGET,
} from "./fixture.ts";

const SEVEN_DAYS = 7;

test("status and records are absent at first and appear after seconds", async () => {
  const fixture = await startFixture();
  const id = await fixture.create();
  expect(await fixture.row(id)).not.toHaveProperty("status");
  expect((await fixture.row(id)).ssl).toMatchObject({ status: "initializing" });
  expect((await fixture.row(id)).ssl).not.toHaveProperty("validation_records");
  await fixture.pass(3_000);
  const row = await fixture.row(id);
  expect(row.status).toBe("pending");
  expect(row.verification_errors).toEqual(["custom hostname does not CNAME to this zone."]);
  expect(row.ownership_verification?.name).toBe(`_cf-custom-hostname.${HOSTNAME}`);
  expect(row.ssl).toMatchObject({
    status: "pending_validation",
    validation_records: [{ txt_name: `_acme-challenge.${HOSTNAME}` }],
  });
});

test("without any record nothing moves for seven days, then the hostname is moved", async () => {
  const fixture = await startFixture();
  const id = await createInitialized(fixture);
  await fixture.passDays(SEVEN_DAYS);
  expect(await fixture.row(id)).toMatchObject({ status: "pending", ssl: { status: "pending_validation" } });
  await fixture.passDays(1);
  expect(await fixture.row(id)).toMatchObject({ status: "moved", ssl: { status: "pending_validation" } });
});

test("a PATCH revives a moved hostname, with the same id and ownership token", async () => {
  const fixture = await startFixture();
  const id = await createInitialized(fixture);
  const before = await fixture.row(id);
  await fixture.passDays(8);
  expect((await fixture.row(id)).status).toBe("moved");
  await refresh(fixture, id);
  const after = await fixture.row(id);
  expect(after).toMatchObject({ id, status: "pending" });
  expect(after.ownership_verification).toEqual(before.ownership_verification);
});

test("a routing CNAME activates the hostname and, by HTTP, the certificate; the proof records vanish", async () => {
  const fixture = await startFixture();
  const id = await createInitialized(fixture);
  route(fixture);
  fixture.dns.flush();
  await fixture.pass(60_000);
  expect((await fixture.row(id)).status).toBe("active");
  expect((await fixture.row(id)).ssl?.status).toBe("pending_issuance");
  await fixture.pass(20_000);
  expect((await fixture.row(id)).ssl?.status).toBe("pending_deployment");
  await fixture.pass(10_000);
  const row = await fixture.row(id);
  expect(row.ssl?.status).toBe("active");
  expect(row.ssl?.certificates).toHaveLength(2);
  expect(row).not.toHaveProperty("ownership_verification");
  expect(row.ssl).not.toHaveProperty("validation_records");
  expect(Date.parse(row.ssl?.certificates?.[0]?.expires_on ?? "") - fixture.clock.now()).toBeGreaterThan(89 * DAY_MS);
});

test("a CNAME to somebody else does not activate anything", async () => {
  const fixture = await startFixture();
  fixture.dns.setRecords(HOSTNAME, "CNAME", ["elsewhere.customer.dev"]);
  fixture.dns.setRecords("elsewhere.customer.dev", "A", ["127.0.0.99"]);
  const id = await createInitialized(fixture);
  await fixture.passDays(SEVEN_DAYS);
  expect(await fixture.row(id)).toMatchObject({ status: "pending", ssl: { status: "pending_validation" } });
});

test("a CNAME chain and flattened addresses both count as routing, a mixed address set does not", async () => {
  const fixture = await startFixture();
  fixture.dns.setRecords("chain.customer.dev", "CNAME", ["hop.customer.dev"]);
  fixture.dns.setRecords("hop.customer.dev", "CNAME", [TARGET]);
  fixture.dns.setRecords("flat.customer.dev", "A", [EDGE_ADDRESS]);
  fixture.dns.setRecords("mixed.customer.dev", "A", [EDGE_ADDRESS, "127.0.0.99"]);
  const ids = [];
  for (const name of ["chain", "flat", "mixed"]) ids.push(await fixture.create({ hostname: `${name}.customer.dev` }));
  await fixture.pass(3_000);
  const rows = await Promise.all(ids.map((id) => fixture.row(id)));
  expect(rows.map((row) => row.status)).toEqual(["active", "active", "pending"]);
});

test("the ownership TXT alone activates the hostname; a wrong value never does", async () => {
  const fixture = await startFixture();
  const id = await createInitialized(fixture);
  const record = (await fixture.row(id)).ownership_verification;
  fixture.dns.setRecords(record?.name ?? "", "TXT", ["00000000-0000-4000-8000-000000000000"]);
  await fixture.passDays(3);
  expect((await fixture.row(id)).status).toBe("pending");
  await publishOwnership(fixture, id);
  await fixture.pass(DAY_MS / 4);
  expect(await fixture.row(id)).toMatchObject({ status: "active", ssl: { status: "pending_validation" } });
});

test("without an active fallback origin no hostname is activated", async () => {
  const fixture = await startFixture({ fallbackOrigin: { origin: "origin.platform.dev", status: "pending_deployment" } });
  route(fixture);
  const id = await createInitialized(fixture);
  await fixture.passDays(SEVEN_DAYS);
  expect(await fixture.row(id)).toMatchObject({
    status: "pending",
    verification_errors: ["Zone does not have a fallback origin set."],
    ssl: { status: "pending_validation" },
  });
  fixture.simulator.setFallbackOrigin("active");
  await refresh(fixture, id);
  expect((await fixture.row(id)).status).toBe("active");
});

test("an active hostname stays active for seven days while its DNS stands, and is moved once it left", async () => {
  const fixture = await startFixture();
  route(fixture);
  const id = await createInitialized(fixture);
  await fixture.passDays(SEVEN_DAYS);
  expect(await fixture.row(id)).toMatchObject({ status: "active", ssl: { status: "active" } });
  fixture.dns.removeRecord(HOSTNAME, "CNAME");
  await fixture.passDays(1);
  expect((await fixture.row(id)).status).toBe("moved");
  await fixture.passDays(SEVEN_DAYS - 1);
  expect((await fixture.row(id)).status).toBe("moved");
});

test("DNS that does not answer moves nothing away", async () => {
  const fixture = await startFixture();
  route(fixture);
  const id = await createInitialized(fixture);
  await fixture.pass(60_000);
  fixture.dns.addFault({ server: "127.0.0.10", kind: "servfail" });
  fixture.dns.flush();
  for (let hour = 0; hour < 12; hour += 1) await fixture.pass(3_600_000);
  expect((await fixture.row(id)).status).toBe("active");
});

test("seven days after it moved, a row is deleted: unlisted, readable for a while, and a PATCH brings it back", async () => {
  const fixture = await startFixture({}, { timings: { deletedReadableMs: DAY_MS } });
  const id = await createInitialized(fixture);
  await fixture.passDays(8);
  expect((await fixture.row(id)).status).toBe("moved");
  await fixture.pass(7 * DAY_MS);
  expect((await fixture.row(id)).status).toBe("deleted");
  expect(fixture.simulator.rows()).toEqual([]);
  expect(await refresh(fixture, id)).toBe(202);
  expect(fixture.simulator.rows()).toMatchObject([{ id, status: "pending" }]);
  fixture.simulator.deleteUpstream(HOSTNAME);
  expect((await fixture.row(id)).status).toBe("pending_deletion");
  await fixture.pass(DAY_MS);
  expect((await call(fixture.simulator, "GET", `/custom_hostnames/${id}`)).body.errors[0]?.code).toBe(1436);
});

test("a zone hold blocks for good; after its release only a PATCH helps", async () => {
  const fixture = await startFixture();
  fixture.simulator.holdZone("customer.dev");
  route(fixture);
  const id = await createInitialized(fixture);
  expect((await fixture.row(id)).verification_errors?.[0]).toContain("held zone");
  fixture.simulator.releaseZone("customer.dev");
  await fixture.passDays(SEVEN_DAYS);
  expect(await fixture.row(id)).toMatchObject({ status: "blocked", ssl: { status: "pending_validation" } });
  await refresh(fixture, id);
  expect((await fixture.row(id)).status).toBe("active");
});

test("a customer who is proxied there cannot activate by TXT", async () => {
  const fixture = await startFixture();
  fixture.simulator.markProxied("customer.dev");
  const id = await createInitialized(fixture);
  await publishOwnership(fixture, id);
  await fixture.pass(60_000);
  const row = await fixture.row(id);
  expect(row.status).toBe("pending");
  expect(row.verification_errors?.[1]).toContain("cannot be activated with an TXT or HTTP validation token");
});

test("the same name in a second zone: the one validated last wins, the other is moved", async () => {
  const other = { id: "123e105f4ecef8ad9ca31a8372d0c353", name: "second.dev", targets: ["edge.second.dev"] };
  const quota = { allocated: 10, hardCap: 10 };
  const fallbackOrigin = { origin: "origin.platform.dev", status: "active" } as const;
  const first = { id: "023e105f4ecef8ad9ca31a8372d0c353", name: "platform.dev", targets: [TARGET], quota, fallbackOrigin };
  const fixture = await startFixture(
    {},
    { zones: [first, { ...other, quota, fallbackOrigin: { ...fallbackOrigin, origin: "o.second.dev" } }] },
  );
  route(fixture);
  const id = await createInitialized(fixture);
  await fixture.pass(60_000);
  expect((await fixture.row(id)).status).toBe("active");
  fixture.dns.setRecords(HOSTNAME, "CNAME", ["edge.second.dev"]);
  fixture.dns.flush();
  fixture.simulator.addForeignRow({ hostname: HOSTNAME, zoneID: other.id });
  await fixture.simulator.idle();
  expect(fixture.simulator.rows(other.id)).toMatchObject([{ status: "active" }]);
  expect((await fixture.row(id)).status).toBe("moved");
});

test("a PATCH of what is settled changes nothing", async () => {
  const fixture = await startFixture();
  route(fixture);
  const id = await createInitialized(fixture);
  for (const ms of [20_000, 10_000]) await fixture.pass(ms);
  const before = await fixture.row(id);
  await refresh(fixture, id);
  expect(await fixture.row(id)).toEqual(before);
});

test("a hostname without SSL has its full status at once", async () => {
  const fixture = await startFixture();
  const answer = await post(fixture.simulator, { hostname: HOSTNAME });
  expect(answer.body.result).toMatchObject({ status: "pending", ownership_verification: { type: "txt" } });
  expect(answer.body.result).not.toHaveProperty("ssl");
});

test("a moved hostname whose DNS is right again stays moved until a PATCH", async () => {
  const fixture = await startFixture();
  const id = await createInitialized(fixture);
  await fixture.passDays(8);
  route(fixture);
  fixture.dns.flush();
  await fixture.passDays(6);
  expect((await fixture.row(id)).status).toBe("moved");
  await refresh(fixture, id);
  expect((await fixture.row(id)).status).toBe("active");
});
