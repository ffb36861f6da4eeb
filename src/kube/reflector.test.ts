import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { ReflectorBench } from "./reflector.testing.ts";

describe("the list", () => {
  test("comes in pages of 500 and is taken in as one", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => {
      for (let index = 0; index < 1_250; index++) stub.put(`probe-${index}`, "red");
    });
    const sizes = new Set<number>();
    bench.store.onChange(() => sizes.add(bench.store.size));
    await bench.settled();
    expect([...sizes]).toEqual([1_250]);
    expect(bench.stub.lists.map(({ url }) => [url.searchParams.get("limit"), url.searchParams.get("continue")])).toEqual([
      ["500", null],
      ["500", expect.stringContaining(":500")],
      ["500", expect.stringContaining(":1000")],
    ]);
    expect(bench.stub.lists[0]?.url.pathname).toBe("/apis/probe.test/v1/namespaces/shop/probes");
    expect(bench.synced).toBe(1);
    expect(await bench.metricsText()).toContain('reflector_lists_total{name="probes"} 1\n');
  });

  test("of nothing is synced too", async () => {
    await using bench = await ReflectorBench.start();
    await bench.settled();
    expect(bench.store.synced).toBe(true);
    expect(bench.synced).toBe(1);
  });

  test("gives its items the kind that they lack and drops what nobody reads", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => stub.put("a", "red"));
    await bench.settled();
    expect(bench.store.get("shop/a")).toEqual({
      apiVersion: "probe.test/v1",
      kind: "Probe",
      metadata: { name: "a", namespace: "shop", uid: "a-99", resourceVersion: "99" },
      spec: { colour: "red" },
    });
  });

  test("begins anew when its pages expire half way", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => {
      for (let index = 0; index < 600; index++) stub.put(`probe-${index}`, "red");
      stub.fail("list", (_, _socket, proceed) => {
        proceed();
        stub.compact();
        stub.delete("probe-1");
      });
    });
    await bench.settled();
    expect(bench.store.size).toBe(599);
    expect(bench.heard).not.toContain("probe-1=red");
  });
});

describe("the watch", () => {
  test("begins at the list's version, asks for bookmarks, and keeps the store as the server is", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => stub.put("a", "red"));
    await bench.settled();
    const { searchParams } = bench.stub.watches[0]?.url ?? new URL("http://none");
    expect(searchParams.get("resourceVersion")).toBe("99");
    expect(searchParams.get("allowWatchBookmarks")).toBe("true");
    expect(Number(searchParams.get("timeoutSeconds"))).toBe(270);
    bench.stub.put("b", "red");
    bench.stub.put("a", "green");
    bench.stub.delete("b");
    await waitUntil("the events", () => bench.heard.length === 4, { timeoutMs: 5_000, intervalMs: 5 });
    expect(bench.heard).toEqual(["a=red", "b=red", "a=green", "b gone"]);
  });

  test("resumes after its end where the last event or bookmark was, without a list", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => stub.put("a", "red"));
    await bench.settled();
    // A watch that ends within a second of its begin is waited for.
    await sleep(1_050);
    bench.stub.bookmark();
    const bookmarked = bench.stub.version;
    await waitUntil("the bookmark", () => bench.reflector.silentMs < 500, { timeoutMs: 5_000, intervalMs: 5 });
    bench.stub.endWatches();
    bench.stub.put("b", "red");
    await bench.settled();
    expect(bench.stub.watches.at(-1)?.url.searchParams.get("resourceVersion")).toBe(bookmarked);
    expect(bench.stub.lists).toHaveLength(1);
    expect(bench.failures).toEqual([]);
  });

  test("that falls silent is cut, and resumes", async () => {
    await using bench = await ReflectorBench.start({ idleMs: 200 }, (stub) => stub.put("a", "red"));
    await bench.settled();
    await waitUntil("another watch", () => bench.stub.watches.length > 1, { timeoutMs: 5_000, intervalMs: 5 });
    await bench.settled();
    expect(bench.failures).not.toEqual([]);
    expect(bench.stub.lists).toHaveLength(1);
    expect(bench.stub.openWatches).toBe(1);
  });
});

describe("abort", () => {
  test("stops quietly during a watch: the connection ends, and no request follows", async () => {
    await using bench = await ReflectorBench.start({}, (stub) => stub.put("a", "red"));
    await bench.settled();
    await bench.stop();
    await waitUntil("the watch to end", () => bench.stub.openWatches === 0, { timeoutMs: 5_000 });
    const before = bench.stub.server.seen.length;
    bench.stub.put("b", "red");
    await sleep(150);
    expect(bench.stub.server.seen).toHaveLength(before);
    expect(bench.heard).toEqual(["a=red"]);
    expect(bench.failures).toEqual([]);
    expect(bench.log.filter(({ level }) => level !== "debug")).toEqual([]);
  });

  test.each([
    ["an answer to the list", (bench: ReflectorBench) => bench.stub.lists.length === 1],
    ["the end of a backoff", (bench: ReflectorBench) => bench.failures.length === 1],
  ])("stops quietly while it waits for %s", async (what, reached) => {
    await using bench = await ReflectorBench.start({ minBackoffMs: 30_000, maxBackoffMs: 30_000 }, (stub) =>
      stub.fail("list", (response) => {
        if (what.startsWith("the end")) response.writeHead(403).end("{}");
      }),
    );
    await waitUntil(what, () => reached(bench), { timeoutMs: 5_000, intervalMs: 5 });
    const started = performance.now();
    await bench.stop();
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(bench.stub.lists).toHaveLength(1);
    expect(bench.stub.watches).toEqual([]);
    expect(bench.store.synced).toBe(false);
  });

  test("before it began asks for nothing", async () => {
    await using bench = await ReflectorBench.start();
    await bench.stop();
    await sleep(50);
    expect(bench.stub.watches).toEqual([]);
  });
});
