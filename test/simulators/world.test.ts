import { Agent, request } from "undici";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { newClient } from "./cloudflare/fixture.ts";
import { startWorld, type World } from "./world.ts";

const HOSTNAME = "shop.acme-pottery.dev";
let world: World;

beforeEach(async () => {
  world = await startWorld();
  return () => world.close();
});

async function get(host: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
  const { edge, ca } = world;
  const lookup = (_: string, __: object, done: (error: null, addresses: { address: string; family: number }[]) => void) =>
    done(null, [{ address: edge.address, family: 4 }]);
  const agent = new Agent({ connect: { ca: ca.caPem, lookup } });
  onTestFinished(() => agent.destroy());
  const response = await request(`https://${host}:${edge.httpsPort}${path}`, { dispatcher: agent });
  return { status: response.statusCode, body: await response.body.text() };
}

async function create(hostname: string): Promise<string> {
  const client = newClient(world.cloudflare, world.connection.cloudflareToken);
  const { id } = await client.customHostnames.create({
    zone_id: world.connection.zoneID,
    hostname,
    ssl: { method: "txt", type: "dv" },
  });
  if (id === undefined) throw new Error("no id");
  return id;
}

/** Through initialization, a check, issuance and deployment. */
async function settle(): Promise<void> {
  for (const ms of [3_000, 60_000, 20_000, 10_000]) await world.pass(ms);
}

test("a hostname is served end to end once its CNAME stands, and no longer once it is deleted", async () => {
  const id = await create(HOSTNAME);
  await settle();
  await expect(get(HOSTNAME, "/")).rejects.toThrow(/altnames/);
  world.publish([{ type: "CNAME", name: HOSTNAME, value: world.connection.target }]);
  await settle();
  await settle();
  expect((await get(HOSTNAME, `/debug/domain-check?n=${"a".repeat(32)}`)).body).toContain('"sig"');
  const client = newClient(world.cloudflare, world.connection.cloudflareToken);
  await client.customHostnames.delete(id, { zone_id: world.connection.zoneID });
  await expect(get(HOSTNAME, "/")).rejects.toThrow(/altnames/);
});

test("an apex and its www are paired by flattened addresses", async () => {
  await create("acme-pottery.dev");
  await create("www.acme-pottery.dev");
  const { target } = world.connection;
  world.publish([
    { type: "CNAME", name: "acme-pottery.dev", value: target },
    { type: "CNAME", name: "www.acme-pottery.dev", value: target },
  ]);
  await settle();
  expect((await get("acme-pottery.dev", "/")).status).toBe(200);
  expect((await get("www.acme-pottery.dev", "/")).status).toBe(308);
  expect(world.dns.records()).toContainEqual(
    expect.objectContaining({ name: "acme-pottery.dev", type: "A", values: ["127.0.0.21"] }),
  );
});

test("publishing is idempotent and can be taken back", () => {
  const record = { type: "TXT", name: `_customdomains-challenge.${HOSTNAME}`, value: "customdomains-verify=x" } as const;
  world.publish([record, { ...record, value: "another" }]);
  world.publish([record]);
  const values = () => world.dns.records().find((known) => known.type === "TXT")?.values;
  expect(values()).toHaveLength(2);
  world.retract([record]);
  expect(values()).toEqual(["another"]);
});

test("the class's Chargebee knows the plan, the add-on and a subscription", async () => {
  world.addSubscription("sub-1");
  const { chargebeeURL, chargebeeKey } = world.connection;
  const authorization = `Basic ${Buffer.from(`${chargebeeKey}:`).toString("base64")}`;
  const response = await fetch(`${chargebeeURL}/subscriptions/sub-1`, { headers: { authorization } });
  expect(response.status).toBe(200);
  expect(world.chargebee.quantity("sub-1", world.connection.itemPriceID)).toBeUndefined();
});
