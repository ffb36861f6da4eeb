import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { CuttableProxy } from "./cuttable-proxy.testing.ts";
import { LEASES, LeadershipLost, type Lease, LeaseElector, microTime } from "./lease.ts";
import { type Access, RealServer } from "./real-server.testing.ts";
import { Reflector, withoutManagedFields } from "./reflector.ts";
import { Store } from "./store.ts";

interface LeaseObject {
  readonly spec: { readonly holderIdentity: string; readonly leaseTransitions: number; readonly leaseDurationSeconds: number };
}

const never = new AbortController().signal;
let server: RealServer;
beforeAll(async () => {
  server = await RealServer.start();
});
afterAll(() => server?.[Symbol.asyncDispose]());
afterEach(() => {
  vi.restoreAllMocks();
});

function elector(name: string, identity: string, access: Access = server.access()): LeaseElector {
  return new LeaseElector({
    client: access.client,
    namespace: "default",
    name,
    identity,
    logger: access.logger,
    metrics: access.metrics,
  });
}

/** An elector with a watch of its Lease. */
function watching(name: string, identity: string) {
  const access = server.access();
  const store = new Store<Lease>();
  const { client, transport, logger, metrics } = access;
  const stop = new AbortController();
  const common = { transport, logger, metrics, random: () => 0.5, store, project: withoutManagedFields<Lease> };
  const watch = new Reflector<Lease>({
    ...common,
    resource: LEASES,
    namespace: "default",
    fieldSelector: `metadata.name=${name}`,
  });
  void watch.run(stop.signal);
  return {
    elector: new LeaseElector({ client, namespace: "default", name, identity, logger, metrics, seen: store }),
    store,
    stop,
  };
}

function mayWrite(of: LeaseElector): boolean {
  try {
    of.assertMayWrite();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(LeadershipLost);
    return false;
  }
}

const path = (name: string): string => `/apis/coordination.k8s.io/v1/namespaces/default/leases/${name}`;
const lease = async (name: string): Promise<LeaseObject> => (await server.get(path(name))) as LeaseObject;

describe.concurrent("an election", () => {
  test("has one winner; who releases hands over at once", async ({ expect }) => {
    const access = server.access();
    const [one, two] = [elector("handover", "one", access), elector("handover", "two")];
    expect([mayWrite(one), mayWrite(two)]).toEqual([false, false]);
    const stop = new AbortController();
    await one.acquire(never);
    const kept = one.keep(stop.signal);
    let second = false;
    const acquiring = two.acquire(never).then(() => {
      second = true;
    });
    await sleep(4_500);
    expect([mayWrite(one), mayWrite(two), second]).toEqual([true, false, false]);
    expect((await lease("handover")).spec).toMatchObject({
      holderIdentity: "one",
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
    });
    expect(await access.metrics.registry.metrics()).toContain('leader_election_master_status{name="handover"} 1\n');
    stop.abort();
    await kept;
    await one.release();
    expect(mayWrite(one)).toBe(false);
    expect(await access.metrics.registry.metrics()).toContain('leader_election_master_status{name="handover"} 0\n');
    const released = performance.now();
    await acquiring;
    expect(performance.now() - released).toBeLessThan(4_000);
    expect((await lease("handover")).spec).toMatchObject({
      holderIdentity: "two",
      leaseDurationSeconds: 15,
      leaseTransitions: 1,
    });
    expect([mayWrite(one), mayWrite(two)]).toEqual([false, true]);
  });

  test("is over in a moment where the standby watches the Lease: when it is released, and when it has run out", async ({
    expect,
  }) => {
    const [one, two] = [elector("watched", "one"), watching("watched", "two")];
    await one.acquire(never);
    const stop = new AbortController();
    const kept = one.keep(stop.signal);
    const acquiring = two.elector.acquire(never).then(() => performance.now());
    await waitUntil("the Lease to be seen", () => two.store.size === 1, { timeoutMs: 10_000 });
    // In the middle of the standby's wait between two questions.
    await sleep(3_000);
    stop.abort();
    await kept;
    const releasedAt = performance.now();
    await one.release();
    expect((await acquiring) - releasedAt).toBeLessThan(700);

    const three = watching("watched", "three");
    const taking = three.elector.acquire(never).then(() => performance.now());
    await waitUntil("the Lease to be seen", () => three.store.size === 1, { timeoutMs: 10_000 });
    const keepStop = new AbortController();
    const keeping = two.elector.keep(keepStop.signal);
    await sleep(5_000);
    // As if it were killed: it renews no more and says nothing. The last renewal is at most two seconds old.
    keepStop.abort();
    await keeping;
    const killedAt = performance.now();
    const tookMs = (await taking) - killedAt;
    expect(tookMs).toBeGreaterThan(12_500);
    expect(tookMs).toBeLessThan(15_700);
    for (const { stop: end } of [two, three]) end.abort();
  });

  test("two that start at the same moment do not both win", async ({ expect }) => {
    const stop = new AbortController();
    const all = ["one", "two", "three"].map((identity) => elector("start", identity));
    const acquiring = all.map((candidate) => candidate.acquire(stop.signal).catch(() => {}));
    await waitUntil("a winner", () => all.some(mayWrite), { timeoutMs: 10_000 });
    await sleep(1_000);
    expect(all.filter(mayWrite)).toHaveLength(1);
    stop.abort();
    await Promise.all(acquiring);
  });

  test("whose winner is cut off has another within 15 s and some; the first may not write from 10 s on", async ({ expect }) => {
    await using proxy = await CuttableProxy.start(Number(new URL(server.controlPlane.server).port));
    const access = server.access({ server: proxy.url });
    const [one, two] = [elector("outage", "one", access), elector("outage", "two")];
    await one.acquire(never);
    const lost = one.keep(never).then(
      () => expect.fail("it ended by itself"),
      (error: unknown) => ({ error, at: performance.now() }),
    );
    const acquiring = two.acquire(never);
    await sleep(2_500);
    proxy.cut();
    const cutAt = performance.now();
    const taken = acquiring.then(() => performance.now());
    await waitUntil("the first to be refused", () => !mayWrite(one), { timeoutMs: 12_000, intervalMs: 20 });
    const refusedAt = performance.now();
    expect(refusedAt - cutAt).toBeGreaterThan(5_000);
    expect(refusedAt - cutAt).toBeLessThanOrEqual(10_500);
    expect(mayWrite(two)).toBe(false);
    const { error, at } = await lost;
    expect(error).toBeInstanceOf(LeadershipLost);
    expect(at - refusedAt).toBeLessThan(1_000);
    expect(await access.metrics.registry.metrics()).toContain('leader_election_master_status{name="outage"} 0\n');
    const takenAt = await taken;
    expect(takenAt - cutAt).toBeGreaterThan(12_000);
    expect(takenAt - cutAt).toBeLessThan(20_000);
    expect([mayWrite(one), mayWrite(two)]).toEqual([false, true]);
  });

  test("that somebody else wins by force ends the leader's keep at its next renewal", async ({ expect }) => {
    const one = elector("forced", "one");
    await one.acquire(never);
    const kept = one.keep(never);
    await server.apply("PATCH", path("forced"), { spec: { holderIdentity: "usurper", renewTime: microTime(Date.now()) } });
    await expect(kept).rejects.toThrow(LeadershipLost);
    expect(mayWrite(one)).toBe(false);
    await one.release();
    expect((await lease("forced")).spec.holderIdentity).toBe("usurper");
  });

  test("of a process that was restarted under the same name is won at once", async ({ expect }) => {
    await elector("restarted", "pod-0").acquire(never);
    const again = elector("restarted", "pod-0");
    const started = performance.now();
    await again.acquire(never);
    expect(performance.now() - started).toBeLessThan(1_500);
    expect((await lease("restarted")).spec.leaseTransitions).toBe(0);
  });

  test("that may not be held says why, and ends only by the signal", async ({ expect }) => {
    const access = server.access({ user: "nobody" });
    const stop = new AbortController();
    const acquiring = elector("forbidden", "one", access).acquire(stop.signal);
    await waitUntil("the refusal", () => access.log.some(({ level }) => level === "warn"), { timeoutMs: 5_000 });
    expect(JSON.stringify(access.log)).toContain("cannot get resource");
    stop.abort(new Error("told to stop"));
    await expect(acquiring).rejects.toThrow("told to stop");
  });
});

test("a lapse is final: a process that slept through the deadline leads no more, though the Lease still bears its name", async () => {
  const one = elector("asleep", "one");
  await one.acquire(never);
  const kept = one.keep(never);
  expect(mayWrite(one)).toBe(true);
  const real = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => real() + 11_000);
  expect(mayWrite(one)).toBe(false);
  await expect(Promise.race([kept, sleep(6_000)])).rejects.toThrow(LeadershipLost);
  expect((await lease("asleep")).spec.holderIdentity).toBe("one");
});

test("micro time has six digits", () => {
  expect(microTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe("2026-01-02T03:04:05.006000Z");
});
