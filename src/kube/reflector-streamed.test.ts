import { describe, expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import type { ApiStub, Probe } from "./api-stub.testing.ts";
import { ReflectorBench } from "./reflector.testing.ts";
import { json, status } from "./scripted-server.testing.ts";

const streams = (stub: ApiStub): void => {
  stub.watchList = "streamed";
};

describe("a server that streams the beginning", () => {
  test("is asked for it on the watch, which goes on; all of it is taken in as one", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => {
      streams(stub);
      for (let index = 0; index < 1_250; index++) stub.put(`probe-${index}`, "red");
    });
    const sizes = new Set<number>();
    bench.store.onChange(() => sizes.add(bench.store.size));
    await bench.settled();
    expect([...sizes]).toEqual([1_250]);
    const [beginning] = bench.stub.beginnings;
    expect(Object.fromEntries(beginning?.url.searchParams ?? [])).toEqual({
      watch: "true",
      allowWatchBookmarks: "true",
      sendInitialEvents: "true",
      resourceVersionMatch: "NotOlderThan",
      timeoutSeconds: "270",
    });
    bench.stub.put("late", "green");
    await bench.settled();
    expect(bench.heard.at(-1)).toBe("late=green");
    expect(bench.stub.server.seen).toHaveLength(1);
    expect(bench.synced).toBe(1);
    expect(await bench.metricsText()).toContain('reflector_lists_total{name="probes"} 1\n');
  });

  test("may send what happens meanwhile before the end: the end state counts", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => {
      streams(stub);
      stub.fail("watch", (response, socket) => {
        const probe = (name: string, version: string, colour: string): Probe => ({
          apiVersion: "probe.test/v1",
          kind: "Probe",
          metadata: { name, namespace: "shop", uid: name, resourceVersion: version },
          spec: { colour },
        });
        const end = { metadata: { resourceVersion: "9", annotations: { "k8s.io/initial-events-end": "true" } } };
        const events = [
          { type: "ADDED", object: probe("a", "5", "red") },
          { type: "ADDED", object: probe("b", "6", "red") },
          { type: "MODIFIED", object: probe("a", "7", "green") },
          { type: "DELETED", object: probe("b", "8", "red") },
          { type: "BOOKMARK", object: end },
        ];
        response.writeHead(200).write(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
        socket.on("close", () => response.end());
      });
    });
    await waitUntil("the beginning", () => bench.synced === 1, { timeoutMs: 5_000, intervalMs: 5 });
    expect(bench.heard).toEqual(["a=green"]);
  });

  test("is resumed after a cut, and asked for the whole again when the version is forgotten", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => {
      streams(stub);
      stub.put("a", "red");
    });
    await bench.settled();
    bench.stub.resetWatches();
    bench.stub.put("a", "green");
    await bench.settled();
    expect([bench.stub.beginnings.length, bench.stub.watches.length]).toEqual([1, 1]);
    bench.stub.fail("watch", (_, _socket, proceed) => {
      bench.stub.delete("a");
      bench.stub.put("b", "red");
      bench.stub.compact();
      proceed();
    });
    bench.stub.resetWatches();
    await waitUntil("another beginning", () => bench.heard.length === 4, { timeoutMs: 5_000, intervalMs: 5 });
    expect(bench.heard).toEqual(["a=red", "a=green", "b=red", "a gone"]);
    expect([bench.stub.beginnings.length, bench.stub.lists.length]).toEqual([2, 0]);
  });
});

describe("a server that does not", () => {
  test.each([400, 422])("and says so with %i is listed, now and later, without a pause", async (code) => {
    await using bench = await ReflectorBench.start({ minBackoffMs: 30_000, maxBackoffMs: 30_000 }, (stub) => {
      streams(stub);
      stub.put("a", "red");
      stub.fail("watch", (response) => json(response, code, status(code, "Invalid", "sendInitialEvents is forbidden")));
      stub.fail("watch", (response) => json(response, 410, status(410, "Expired")));
    });
    await bench.settled();
    expect(bench.stub.server.seen.map(({ url }) => url.searchParams.get("watch"))).toEqual(["true", null, "true", null, "true"]);
    expect([bench.stub.beginnings.length, bench.stub.lists.length, bench.failures.length]).toEqual([1, 2, 1]);
  });

  test("and sends bookmarks all the same is listed", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => {
      stub.watchList = "ignored";
      stub.put("a", "red");
    });
    await waitUntil("a beginning", () => bench.stub.openWatches === 1, { timeoutMs: 5_000, intervalMs: 5 });
    expect(bench.store.synced).toBe(false);
    bench.stub.bookmark();
    await waitUntil("a list", () => bench.synced === 1, { timeoutMs: 5_000, intervalMs: 5 });
    await bench.settled();
    expect(bench.stub.lists).toHaveLength(1);
    expect(bench.failures).toEqual([]);
  });

  test("and says nothing more is listed once it was silent for long; the next beginning is asked for again", async () => {
    await using bench = await ReflectorBench.start({ initialIdleMs: 100 }, (stub) => {
      stub.watchList = "ignored";
      stub.put("a", "red");
    });
    await bench.settled();
    expect(bench.stub.lists).toHaveLength(1);
    bench.stub.watchList = "streamed";
    bench.stub.compact();
    bench.stub.fail("watch", (response) => json(response, 410, status(410, "Expired")));
    bench.stub.endWatches();
    await waitUntil("another beginning", () => bench.stub.beginnings.length === 2, { timeoutMs: 5_000, intervalMs: 5 });
    await bench.settled();
    expect(bench.stub.lists).toHaveLength(1);
  });
});
