import { describe, expect, test, vi } from "vitest";
import { HOSTNAME, ZONE_ID } from "../../test/simulators/cloudflare/fixture.ts";
import { errorOf, failure, ID, json, never, serve, ssl, success } from "./client.testing.ts";
import { certificatePending } from "./recorded-rows.testing.ts";

describe("deadline and abort", () => {
  test("a call that is not answered ends at its deadline", async () => {
    const { client } = await serve(() => {}, 100);
    const error = await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never));
    expect(error).toMatchObject({ class: "Transient", ambiguous: true });
    expect(error.message).toContain("within 100 ms");
  });

  test("so does one whose body never ends", async () => {
    const { client } = await serve((response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"success":');
    }, 100);
    expect(await errorOf(client.get(ZONE_ID, ID, never))).toMatchObject({ class: "Transient" });
  });

  test("an abort ends a call at once with the signal's reason, and leaves no listener behind", async () => {
    const stop = new AbortController();
    const reason = new Error("shutting down");
    const { client, seen } = await serve((response) => {
      if (seen.length > 1) stop.abort(reason);
      else json(200, success(certificatePending))(response);
    });
    await client.get(ZONE_ID, ID, stop.signal);
    const removed = vi.spyOn(stop.signal, "removeEventListener");
    const started = performance.now();
    await expect(client.get(ZONE_ID, ID, stop.signal)).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(removed).toHaveBeenCalled();
    await expect(client.get(ZONE_ID, ID, stop.signal)).rejects.toBe(reason);
    expect(seen).toHaveLength(2);
  });

  test("Retry-After is handed on, and not slept through", async () => {
    const { client, limits, seen } = await serve(
      json(429, failure(10429), { "retry-after": "240", ratelimit: '"default";r=0;t=240' }),
    );
    const error = await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never));
    expect(error).toMatchObject({
      class: "RateLimited",
      reason: "RateLimited",
      retryAfterMs: 240_000,
      ambiguous: false,
      code: 10429,
    });
    expect(limits).toEqual([{ remaining: 0, resetMs: 240_000, pauseMs: 240_000 }]);
    expect(seen).toHaveLength(1);
  });
});
