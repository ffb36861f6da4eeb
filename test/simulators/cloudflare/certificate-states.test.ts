import { expect, test } from "vitest";
import {
  call,
  createInitialized,
  DAY_MS,
  EDGE_ADDRESS,
  HOSTNAME,
  publishChallenge,
  publishOwnership,
  refresh,
  route,
  startFixture,
} from "./fixture.ts";

const SEVEN_DAYS = 7;

test("an exhausted certificate schedule times out after 14.6 days and a PATCH revives it, with the same id and new tokens", async () => {
  const fixture = await startFixture();
  const id = await createInitialized(fixture);
  await publishOwnership(fixture, id);
  const before = await fixture.row(id);
  await fixture.passDays(14);
  expect(await fixture.row(id)).toMatchObject({ status: "active", ssl: { status: "pending_validation" } });
  await fixture.passDays(1);
  expect(await fixture.row(id)).toMatchObject({ status: "active", ssl: { status: "validation_timed_out" } });
  expect(await refresh(fixture, id)).toBe(202);
  const after = await fixture.row(id);
  expect(after).toMatchObject({ id, ssl: { status: "pending_validation" } });
  expect(after.ssl?.validation_records).not.toEqual(before.ssl?.validation_records);
});

test("the challenge TXT alone makes the certificate, not the hostname", async () => {
  const fixture = await startFixture();
  const id = await createInitialized(fixture);
  await publishChallenge(fixture, id);
  for (const ms of [60_000, 20_000, 10_000]) await fixture.pass(ms);
  expect(await fixture.row(id)).toMatchObject({ status: "pending", ssl: { status: "active" } });
});

test("a delegated challenge makes the certificate", async () => {
  const fixture = await startFixture();
  const id = await createInitialized(fixture);
  const { body } = await call<{ uuid: string }>(fixture.simulator, "GET", "/dcv_delegation/uuid");
  fixture.dns.setRecords(`_acme-challenge.${HOSTNAME}`, "CNAME", [`${HOSTNAME}.${body.result.uuid}.dcv.cloudflare.com`]);
  fixture.dns.flush();
  for (const ms of [60_000, 20_000, 10_000]) await fixture.pass(ms);
  expect((await fixture.row(id)).ssl?.status).toBe("active");
});

test("CAA of the closest ancestor blocks issuance for as long as it stands", async () => {
  const fixture = await startFixture();
  fixture.dns.setRecords("customer.dev", "CAA", ['0 issue "letsencrypt.org"']);
  const id = await createInitialized(fixture);
  route(fixture);
  fixture.dns.flush();
  await fixture.passDays(SEVEN_DAYS);
  const blocked = await fixture.row(id);
  expect(blocked).toMatchObject({ status: "active", ssl: { status: "pending_validation" } });
  expect(blocked.ssl?.validation_errors?.[0]?.message).toContain("CAA records block issuance");
  fixture.dns.setRecords(HOSTNAME, "CNAME", []);
  fixture.dns.setRecords(HOSTNAME, "A", [EDGE_ADDRESS]);
  fixture.dns.setRecords(HOSTNAME, "CAA", ['0 issue "pki.goog"']);
  fixture.dns.flush();
  await fixture.pass(DAY_MS / 4);
  expect((await fixture.row(id)).ssl?.status).toBe("pending_issuance");
});

test("renewal keeps the old certificate while CAA forbids the new one, and expires it at its end", async () => {
  const fixture = await startFixture();
  route(fixture);
  const id = await createInitialized(fixture);
  for (const ms of [20_000, 10_000]) await fixture.pass(ms);
  const first = fixture.simulator.edgeView(HOSTNAME)?.certificate?.issuedAt ?? 0;
  await fixture.pass(60 * DAY_MS);
  await fixture.pass(10_000);
  const renewed = fixture.simulator.edgeView(HOSTNAME)?.certificate?.issuedAt ?? 0;
  expect(renewed).toBeGreaterThan(first + 59 * DAY_MS);
  fixture.dns.setRecords("customer.dev", "CAA", ['0 issue ";"']);
  await fixture.pass(60 * DAY_MS);
  expect((await fixture.row(id)).ssl?.status).toBe("pending_issuance");
  expect(fixture.simulator.edgeView(HOSTNAME)?.certificate?.issuedAt).toBe(renewed);
  await fixture.pass(31 * DAY_MS);
  expect((await fixture.row(id)).ssl?.status).toBe("expired");
});

test("a wildcard needs both TXT values and never validates by routing", async () => {
  const fixture = await startFixture({ plan: { wildcard: true } });
  route(fixture);
  const id = await createInitialized(fixture, { ssl: { method: "txt", type: "dv", wildcard: true } });
  const records = (await fixture.row(id)).ssl?.validation_records ?? [];
  expect(new Set(records.map((record) => record.txt_value)).size).toBe(2);
  fixture.dns.setRecords(`_acme-challenge.${HOSTNAME}`, "TXT", [records[0]?.txt_value ?? ""]);
  fixture.dns.flush();
  await fixture.passDays(2);
  expect((await fixture.row(id)).ssl?.status).toBe("pending_validation");
  await publishChallenge(fixture, id);
  await fixture.pass(DAY_MS / 4);
  expect((await fixture.row(id)).ssl?.status).toBe("pending_issuance");
});

test("a PATCH with another method issues anew, one with other settings only redeploys; both keep serving", async () => {
  const fixture = await startFixture();
  route(fixture);
  const id = await createInitialized(fixture);
  for (const ms of [20_000, 10_000]) await fixture.pass(ms);
  const served = fixture.simulator.edgeView(HOSTNAME)?.certificate;
  const patch = (ssl: unknown) => call(fixture.simulator, "PATCH", `/custom_hostnames/${id}`, { body: { ssl } });
  await patch({ method: "txt", type: "dv", settings: { min_tls_version: "1.2" } });
  expect(await fixture.row(id)).toMatchObject({ ssl: { status: "pending_deployment", settings: { min_tls_version: "1.2" } } });
  await fixture.pass(10_000);
  expect((await fixture.row(id)).ssl?.status).toBe("active");
  await patch({ method: "http", type: "dv" });
  expect((await fixture.row(id)).ssl?.status).toBe("initializing");
  expect(fixture.simulator.edgeView(HOSTNAME)?.certificate).toEqual(served);
});
