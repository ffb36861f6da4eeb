import { expect, test } from "vitest";
import { call, startFixture } from "./fixture.ts";

const SEVEN_DAYS = 7;

test("a fallback origin that is put becomes active only once its DNS record exists", async () => {
  const fixture = await startFixture();
  const state = async () => (await call(fixture.simulator, "GET", "/custom_hostnames/fallback_origin")).body.result;
  await call(fixture.simulator, "PUT", "/custom_hostnames/fallback_origin", { body: { origin: "new.platform.dev" } });
  await fixture.passDays(SEVEN_DAYS);
  expect(await state()).toMatchObject({ status: "pending_deployment", origin: "new.platform.dev" });
  fixture.dns.setRecords("new.platform.dev", "A", ["127.0.0.22"]);
  fixture.dns.flush();
  await call(fixture.simulator, "PUT", "/custom_hostnames/fallback_origin", { body: { origin: "new.platform.dev" } });
  await fixture.simulator.idle();
  await fixture.pass(10_000);
  expect(await state()).toMatchObject({ status: "active" });
  await call(fixture.simulator, "DELETE", "/custom_hostnames/fallback_origin");
  expect(await state()).toMatchObject({ status: "pending_deletion" });
  await fixture.pass(10_000);
  expect((await call(fixture.simulator, "GET", "/custom_hostnames/fallback_origin")).status).toBe(404);
});
