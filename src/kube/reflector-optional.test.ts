import { expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import type { ApiStub } from "./api-stub.testing.ts";
import { ReflectorBench } from "./reflector.testing.ts";
import { json } from "./scripted-server.testing.ts";

const notServed = (stub: ApiStub): void =>
  // As the API server answers for a path that it does not know: plain text, no Status.
  stub.fail("watch", (response) => response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n"));
const streams = (stub: ApiStub): void => {
  stub.watchList = "streamed";
};

test("an optional kind that is not served is an empty one, without noise, until it is served", async () => {
  await using bench = await ReflectorBench.start(
    {},
    (stub) => {
      streams(stub);
      stub.put("a", "red");
      for (let time = 0; time < 3; time++) notServed(stub);
    },
    { optional: true },
  );
  await waitUntil("the absence", () => bench.store.absent, { timeoutMs: 5_000, intervalMs: 5 });
  expect([bench.store.synced, bench.store.size]).toEqual([true, 0]);
  await bench.settled();
  expect([bench.store.absent, bench.store.size]).toEqual([false, 1]);
  expect(bench.heard).toEqual(["a=red"]);
  expect(bench.failures).toEqual([]);
  expect(bench.log.filter(({ level }) => level !== "debug").map(({ level }) => level)).toEqual(["info"]);
});

test("what there was is gone when the kind is taken away, and comes back when it is served again", async () => {
  await using bench = await ReflectorBench.start(
    {},
    (stub) => {
      streams(stub);
      stub.put("a", "red");
    },
    { optional: true },
  );
  await bench.settled();
  notServed(bench.stub);
  bench.stub.resetWatches();
  await waitUntil("the absence", () => bench.heard.at(-1) === "a gone", { timeoutMs: 5_000, intervalMs: 5 });
  bench.stub.delete("a");
  bench.stub.put("a", "green");
  await bench.settled();
  expect(bench.heard).toEqual(["a=red", "a gone", "a=green"]);
});

test("a kind that must exist is waited for, and told of", async () => {
  await using bench = await ReflectorBench.start({}, (stub) => {
    streams(stub);
    notServed(stub);
  });
  await waitUntil("the failure", () => bench.failures.length === 1, { timeoutMs: 5_000, intervalMs: 5 });
  expect([bench.store.absent, bench.store.synced]).toEqual([false, false]);
});

test("a label selector is sent with the beginning, the list and the watch", async () => {
  await using bench = await ReflectorBench.start(
    {},
    (stub) => {
      stub.watchList = "streamed";
      stub.fail("watch", (response) => json(response, 422, {}));
    },
    { labelSelector: "app=x" },
  );
  await bench.settled();
  expect(bench.stub.server.seen.length).toBe(3);
  expect(bench.stub.server.seen.map(({ url }) => url.searchParams.get("labelSelector"))).toEqual(["app=x", "app=x", "app=x"]);
});
