import { describe, expect, test } from "vitest";
import { TOKEN, ZONE_ID } from "../../test/simulators/cloudflare/fixture.ts";
import { Timers } from "../runtime/timers.ts";
import { never, ssl } from "./client.testing.ts";
import { CloudflareError } from "./errors.ts";
import { POST, setUp, until } from "./sessions.testing.ts";

const LIST = "GET /client/v4/zones/:zone/custom_hostnames";

describe("budgets", () => {
  test("looking at a zone sends nothing but lists", async () => {
    const { simulator, session, changes, pass, total } = await setUp();
    for (let n = 0; n < 40; n += 1) {
      const hostname = `d${n}.customer.dev`;
      simulator.addForeignRow(n < 30 ? { hostname } : { hostname, method: "txt" });
      session.snapshot.watch(hostname);
    }
    for (let step = 1; step <= 20; step += 1) {
      await until(() => session.snapshot.state().generation >= step);
      await pass(15_000);
    }
    expect([session.snapshot.state().rows, new Set(changes).size]).toEqual([40, 40]);
    expect(Object.keys(simulator.counters())).toEqual([LIST]);
    expect(total()).toBeLessThan(25);
  });

  test("a hundred creates never meet Cloudflare's limit of 15 per minute", async () => {
    const { api, clock, simulator, session } = await setUp();
    let done = 0;
    const work = async (n: number): Promise<void> => {
      const hostname = `d${n}.customer.dev`;
      const timers = new Timers(clock);
      for (;;) {
        try {
          await api(hostname).create(ZONE_ID, { hostname, ssl }, never);
          done += 1;
          return;
        } catch (error) {
          if (!(error instanceof CloudflareError) || error.class !== "RateLimited" || error.status !== undefined) throw error;
          expect(error.reason).toBe("AwaitingCapacity");
          await timers.sleep(error.retryAfterMs ?? 0, never);
        }
      }
    };
    const all = Promise.all(Array.from({ length: 100 }, (_, n) => work(n)));
    while (done < 100) {
      await new Promise<void>((resolve) => setTimeout(resolve, 10));
      clock.advance(2_000);
    }
    await all;
    expect([simulator.counters()[POST], simulator.rows().length]).toEqual([100, 100]);
    expect(session.snapshot.state().rows).toBe(100);
  }, 30_000);

  test("classes that share a credential share its budget, and the smallest limits count", async () => {
    const { sessions, session, settings } = await setUp();
    const sparing = sessions.open("sparing", settings({ requestsPer5Minutes: 100, createsPerMinute: 1 }), TOKEN);
    expect(sparing.budget).toBe(session.budget);
    expect(sparing.snapshot).toBe(session.snapshot);
    const create = (key: string) => session.budget.acquire({ kind: "create", priority: "user", key }, never);
    const first = await create("a");
    if (first.granted) first.settle("sent");
    expect((await create("b")).granted).toBe(false);
    sessions.close("sparing");
    const third = sessions.open("default", settings(), TOKEN);
    expect(third.snapshot).toBe(session.snapshot);
    expect((await create("b")).granted).toBe(true);
    const elsewhere = sessions.open("elsewhere", settings({ apiTokenSecretRef: { name: "second", key: "token" } }), TOKEN);
    expect(elsewhere.budget).not.toBe(session.budget);
  });

  test("a class that is closed stops its snapshot, and is forgotten", async () => {
    const { sessions, session, total, clock } = await setUp();
    session.snapshot.watch("a.customer.dev");
    await session.snapshot.refresh(never);
    sessions.close("default");
    const before = total();
    clock.advance(60_000);
    await sessions.closeAll();
    expect([total(), sessions.get("default")]).toEqual([before, undefined]);
  });
});
