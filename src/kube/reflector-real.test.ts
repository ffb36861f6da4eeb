import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../../test/control-plane/control-plane.ts";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { PROBES, type Probe } from "./api-stub.testing.ts";
import { RealServer } from "./real-server.testing.ts";
import { Reflector, withoutManagedFields } from "./reflector.ts";
import { Store } from "./store.ts";

const COUNT = 700;

/** The lists and watches of probes that the API server counted. */
async function counted(controlPlane: ControlPlane): Promise<{ readonly lists: number; readonly watches: number }> {
  const { body } = await controlPlane.request("GET", "/metrics");
  const lines = String(body).split("\n");
  const of = (verb: string): number =>
    lines
      .filter((line) => line.startsWith("apiserver_request_total{") && line.includes('resource="probes"'))
      .filter((line) => line.includes(`verb="${verb}"`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  return { lists: of("LIST"), watches: of("WATCH") };
}

describe.each([
  ["streams the beginning", [], 0],
  ["does not", ["--feature-gates=WatchList=false"], 2],
] as const)("a real API server that %s", (_, apiServerArgs, lists) => {
  let server: RealServer;

  beforeAll(async () => {
    server = await RealServer.on(await startControlPlane({ audit: false, apiServerArgs }));
    await server.defineProbes();
    const path = "/apis/probe.test/v1/namespaces/default/probes";
    const create = (index: number): Promise<unknown> =>
      server.apply("POST", path, {
        apiVersion: "probe.test/v1",
        kind: "Probe",
        metadata: { name: `p-${index}` },
        spec: { colour: "red" },
      });
    for (let first = 0; first < COUNT; first += 50)
      await Promise.all(Array.from({ length: Math.min(50, COUNT - first) }, (__, offset) => create(first + offset)));
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test("fills the store in one step, then keeps it, and is asked no more than that takes", async () => {
    const before = await counted(server.controlPlane);
    const { transport, metrics, logger } = server.access();
    const store = new Store<Probe>();
    const sizes = new Set<number>();
    store.onChange(() => sizes.add(store.size));
    const common = { transport, metrics, logger, random: () => 0.5, project: withoutManagedFields<Probe> };
    const reflector = new Reflector<Probe>({ ...common, resource: PROBES, store });
    const stop = new AbortController();
    const running = reflector.run(stop.signal);
    await waitUntil("the store to fill", () => store.synced, { timeoutMs: 20_000, intervalMs: 10 });
    expect([...sizes]).toEqual([COUNT]);
    expect(store.get("default/p-0")).toMatchObject({ apiVersion: "probe.test/v1", kind: "Probe", spec: { colour: "red" } });
    await server.apply("PATCH", "/apis/probe.test/v1/namespaces/default/probes/p-1", { spec: { colour: "green" } });
    await server.apply("DELETE", "/apis/probe.test/v1/namespaces/default/probes/p-2");
    await waitUntil("the changes", () => store.size === COUNT - 1 && store.get("default/p-1")?.spec?.colour === "green", {
      timeoutMs: 10_000,
      intervalMs: 10,
    });
    stop.abort();
    await running;
    const after = await counted(server.controlPlane);
    expect(after.lists - before.lists).toBe(lists);
    expect(after.watches - before.watches).toBeLessThanOrEqual(2);
  });
});
