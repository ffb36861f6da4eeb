import { get } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SkewedClock } from "../clock.ts";
import type { ChargebeeSimulator } from "./chargebee-simulator.ts";
import { ADDON, call, PLAN, quantityForm, startSite, UPDATE } from "./fixture.ts";

let clock: SkewedClock;
let chargebee: ChargebeeSimulator;

beforeEach(async () => {
  clock = new SkewedClock();
  chargebee = await startSite(clock);
});
afterEach(() => chargebee.close());

const update = (quantity: number, key: string) => call(chargebee, "POST", UPDATE, quantityForm(quantity), { key });

describe("idempotency keys", () => {
  it("replay the stored answer for 30 minutes", async () => {
    const first = await update(3, "k1");
    chargebee.foreignWrite("sub_A", ADDON, 7);
    clock.advance(29 * 60_000);
    const second = await update(3, "k1");
    expect(second.headers.get("chargebee-idempotency-replayed")).toBe("true");
    expect(first.headers.has("chargebee-idempotency-replayed")).toBe(false);
    expect(second.body).toEqual(first.body);
    expect(chargebee.quantity("sub_A", ADDON)).toBe(7);
    clock.advance(60_001);
    await update(3, "k1");
    expect(chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(chargebee.counters()).toMatchObject({ writes: 2, replays: 1 });
  });

  it("answer 422 for another payload or path", async () => {
    await update(3, "k1");
    const expected = { status: 422, body: { api_error_code: "unable_to_process_request" } };
    expect(await update(4, "k1")).toMatchObject(expected);
    chargebee.addSubscription({ id: "sub_B", items: [{ itemPriceID: PLAN }] });
    const elsewhere = call(chargebee, "POST", "/subscriptions/sub_B/update_for_items", quantityForm(3), { key: "k1" });
    expect(await elsewhere).toMatchObject(expected);
    expect(chargebee.counter("keyConflicts")).toBe(2);
  });

  it("replay a refusal even after its cause is gone", async () => {
    chargebee.setStatus("sub_A", "paused");
    expect(await update(3, "k1")).toMatchObject({ status: 409 });
    chargebee.setStatus("sub_A", "active");
    expect(await update(3, "k1")).toMatchObject({ status: 409 });
    expect(await update(3, "k2")).toMatchObject({ status: 200 });
  });

  it("of more than 100 characters are refused", async () => {
    expect(await update(3, "k".repeat(101))).toMatchObject({ status: 400 });
  });

  it("make a write that was applied but not answered safe to repeat", async () => {
    chargebee.addFault({ method: "POST", path: "/api/v2/*", dropAfter: true, times: 1 });
    await expect(update(3, "k1")).rejects.toThrow();
    expect((await update(3, "k1")).headers.get("chargebee-idempotency-replayed")).toBe("true");
    expect(chargebee.counters()).toMatchObject({ writes: 1, charges: 1 });
    expect(chargebee.posts()).toBe(2);
  });
});

describe("concurrent writes", () => {
  it("on one subscription meet the lock, on two do not", async () => {
    chargebee.addSubscription({ id: "sub_B", items: [{ itemPriceID: PLAN }] });
    const other = call(chargebee, "POST", "/subscriptions/sub_B/update_for_items", quantityForm(3));
    const answers = await Promise.all([update(3, "k1"), update(4, "k2"), other]);
    const codes = answers.map(({ status }) => status);
    expect(codes.slice(0, 2).sort()).toEqual([200, 429]);
    expect(codes[2]).toBe(200);
    expect(answers.find(({ status }) => status === 429)?.body).toMatchObject({
      api_error_code: "lock_timeout",
      type: "operation_failed",
    });
    expect(chargebee.counters()).toMatchObject({ overlaps: 1, writes: 2 });
    expect(await update(5, "k3")).toMatchObject({ status: 200 });
  });
});

describe("the rate limit", () => {
  it("counts all calls of a minute and says how long to wait", async () => {
    await chargebee.close();
    chargebee = await startSite(clock, { requestsPerMinute: 2 });
    const get = () => call(chargebee, "GET", "/subscriptions/sub_A");
    await get();
    await update(3, "k1");
    const refused = await get();
    expect(refused).toMatchObject({ status: 429, body: { api_error_code: "api_request_limit_exceeded" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(await update(4, "k2")).toMatchObject({ status: 429 });
    clock.advance(60_000);
    expect(await get()).toMatchObject({ status: 200 });
    expect(chargebee.counters()).toMatchObject({ rateLimited: 2, writes: 1 });
  });
});

describe("the site", () => {
  /** fetch does not let a caller choose the Host. */
  const statusFor = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const path = "/api/v2/subscriptions/sub_A";
      get({ host: "127.0.0.1", port: chargebee.port, path, headers: { host: `${host}:${chargebee.port}` } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject);
    });

  it("refuses missing credentials, a password, other sites, methods and paths", async () => {
    const read = (headers: Record<string, string>) => fetch(`${chargebee.url}/api/v2/subscriptions/sub_A`, { headers });
    expect((await read({})).status).toBe(401);
    expect((await read({ authorization: `Basic ${Buffer.from("test_key:secret").toString("base64")}` })).status).toBe(401);
    expect(await statusFor("other.localhost")).toBe(404);
    expect(await statusFor("localhost.localhost")).toBe(401);
    expect(await call(chargebee, "PUT", "/subscriptions/sub_A")).toMatchObject({ status: 405 });
    expect(await call(chargebee, "GET", "/nothing")).toMatchObject({ status: 404 });
  });

  it("gives strictly growing resource versions", async () => {
    const versions: number[] = [];
    for (const quantity of [3, 4, 5]) {
      await update(quantity, `k${quantity}`);
      versions.push(chargebee.subscription("sub_A").resourceVersion);
    }
    chargebee.foreignWrite("sub_A", ADDON, 9);
    versions.push(chargebee.subscription("sub_A").resourceVersion);
    expect(versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0))).toBe(true);
    expect(Math.abs((versions[3] ?? 0) - clock.now())).toBeLessThan(60_000);
  });
});

describe("the list of subscriptions", () => {
  const list = async (query: Record<string, string>) => {
    const { status, body } = await call(chargebee, "GET", `/subscriptions?${new URLSearchParams(query)}`);
    const parsed = body as { list?: { subscription: { id: string } }[]; next_offset?: string };
    return { status, ids: parsed.list?.map(({ subscription }) => subscription.id), next: parsed.next_offset };
  };

  it("filters", async () => {
    chargebee.addSubscription({ id: "sub_B", status: "cancelled", items: [{ itemPriceID: PLAN }] });
    chargebee.addSubscription({ id: "sub_C", status: "deleted", items: [{ itemPriceID: PLAN }] });
    expect((await list({ "id[in]": '["sub_A","sub_C"]' })).ids).toEqual(["sub_A"]);
    expect((await list({ "status[in]": '["cancelled"]' })).ids).toEqual(["sub_B"]);
    expect((await list({ "item_price_id[is]": ADDON })).ids).toEqual(["sub_A"]);
    clock.advance(5000);
    const after = String(Math.floor(clock.now() / 1000) - 2);
    expect((await list({ "updated_at[after]": after })).ids).toEqual([]);
    chargebee.foreignWrite("sub_A", ADDON, 3);
    expect((await list({ "updated_at[after]": after })).ids).toEqual(["sub_A"]);
    chargebee.scheduleChange("sub_A", ADDON, 9);
    expect((await list({ "has_scheduled_changes[is]": "true" })).ids).toEqual(["sub_A"]);
  });

  it("pages through all in a stable order", async () => {
    for (let index = 0; index < 25; index++) chargebee.addSubscription({ id: `s${index}`, items: [{ itemPriceID: PLAN }] });
    const first = await list({});
    expect(first.ids).toHaveLength(10);
    const all: string[] = [];
    let offset: string | undefined;
    do {
      const page = await list({ limit: "10", "sort_by[asc]": "updated_at", ...(offset === undefined ? {} : { offset }) });
      all.push(...(page.ids ?? []));
      offset = page.next;
    } while (offset !== undefined);
    expect(all).toEqual(["sub_A", ...Array.from({ length: 25 }, (_, index) => `s${index}`)]);
  });

  it.each([
    { limit: "101" },
    { limit: "0" },
    { offset: "made up" },
    { "id[in]": "[sub_A]" },
    { "id[in]": "sub_A" },
    { "id[starts_with]": "sub" },
    { "sort_by[asc]": "mrr" },
  ])("refuses %j", async (query) => {
    expect((await list(query)).status).toBe(400);
  });
});
