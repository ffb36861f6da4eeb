import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import type { ApiStub, Fault } from "./api-stub.testing.ts";
import { ReflectorBench } from "./reflector.testing.ts";
import { json, status } from "./scripted-server.testing.ts";

const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => {
  rejections.push(reason);
};
beforeEach(() => {
  rejections.length = 0;
  process.on("unhandledRejection", onRejection);
});
afterEach(() => {
  process.off("unhandledRejection", onRejection);
});

const refused =
  (code: number, reason: string, headers: Readonly<Record<string, string>> = {}): Fault =>
  (response) =>
    json(response, code, status(code, reason), headers);
const streamed =
  (text: string, end: "end" | "reset"): Fault =>
  (response, socket) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write(text, () => (end === "end" ? response.end() : socket.resetAndDestroy()));
  };
const errorEvent = (code: number, reason: string): string =>
  `${JSON.stringify({ type: "ERROR", object: status(code, reason) })}\n`;

const FAULTS: readonly (readonly [string, Fault])[] = [
  ["500", refused(500, "InternalError")],
  ["429 with Retry-After", refused(429, "TooManyRequests", { "retry-after": "1" })],
  ["403", refused(403, "Forbidden")],
  ["504 too large version", refused(504, "Timeout")],
  ["410", refused(410, "Expired")],
  ["HTML of a proxy", (response) => response.writeHead(502, { "content-type": "text/html" }).end("<html>bad gateway</html>")],
  ["reset before an answer", (_, socket) => socket.resetAndDestroy()],
  ["closed at once", streamed("", "end")],
  ["reset in the headers' wake", streamed("", "reset")],
  ["half a line, then closed", streamed('{"type":"ADDED","object":{"metadata":{"name":"ghost"', "end")],
  ["half a line, then reset", streamed('{"type":"ADDED","object":{"metadata":{"name":"ghost"', "reset")],
  ["garbage", streamed("\u0000\u0001 garbage\n", "end")],
  ["ERROR 410 in the stream", streamed(errorEvent(410, "Expired"), "end")],
  ["ERROR 500 in the stream", streamed(errorEvent(500, "InternalError"), "end")],
];

describe.concurrent("recovers, and misses nothing that happened meanwhile, from", () => {
  for (const [name, fault] of FAULTS) {
    test(`${name} on the watch`, async ({ expect }) => {
      await using bench = await ReflectorBench.start({}, (stub) => {
        for (const letter of ["a", "b", "c"]) stub.put(letter, "red");
        stub.fail("watch", (response, socket, proceed) => {
          stub.put("a", "green");
          stub.delete("b");
          stub.put("d", "red");
          fault(response, socket, proceed);
        });
        stub.fail("watch", fault);
      });
      await bench.settled();
      expect(bench.heard.slice(0, 3)).toEqual(["a=red", "b=red", "c=red"]);
      expect(bench.heard.slice(3).sort()).toEqual(["a=green", "b gone", "d=red"]);
      expect(bench.failures.length).toBeGreaterThan(0);
      expect(rejections).toEqual([]);
    });

    test(`${name} on the beginning`, async ({ expect }) => {
      await using bench = await ReflectorBench.start({}, (stub) => {
        stub.watchList = "streamed";
        stub.put("a", "red");
        for (let time = 0; time < 2; time++) stub.fail("watch", fault);
      });
      await bench.settled();
      expect(bench.heard).toEqual(["a=red"]);
      expect(bench.stub.lists).toEqual([]);
      expect(rejections).toEqual([]);
    });

    test(`${name} on the list`, async ({ expect }) => {
      await using bench = await ReflectorBench.start({}, (stub) => {
        stub.put("a", "red");
        for (let time = 0; time < 2; time++) stub.fail("list", fault);
      });
      await bench.settled();
      expect(bench.heard).toEqual(["a=red"]);
    });
  }
});

test("a forgotten version is listed again; what was deleted meanwhile is heard of once", async () => {
  await using bench = await ReflectorBench.start({}, (stub) => {
    stub.put("a", "red");
    stub.put("b", "red");
    stub.fail("watch", (_, _socket, proceed) => {
      stub.delete("b");
      stub.put("c", "red");
      stub.compact();
      proceed();
    });
  });
  await bench.settled();
  expect(bench.heard).toEqual(["a=red", "b=red", "c=red", "b gone"]);
  expect(bench.stub.lists).toHaveLength(2);
  expect(await bench.metricsText()).toContain('reflector_watch_errors_total{name="probes",reason="Expired"} 1\n');
});

test("a reset in the middle of events loses none and repeats none", async () => {
  await using bench = await ReflectorBench.start({}, (stub) => stub.put("a", "0"));
  const expected = ["a=0"];
  await bench.settled();
  for (let round = 1; round <= 20; round++) {
    bench.stub.put("a", String(round));
    expected.push(`a=${round}`);
    if (round % 4 === 0) bench.stub.resetWatches();
    await bench.settled();
  }
  expect(bench.heard.at(-1)).toBe("a=20");
  expect(bench.heard).toEqual(expected);
  expect(bench.stub.lists).toHaveLength(1);
});

describe("the pace", () => {
  test("of failures grows to its limit, and a success makes it quick again", async () => {
    await using bench = await ReflectorBench.start({ minBackoffMs: 10, maxBackoffMs: 60 }, (stub) => failing(stub, 5));
    await bench.settled();
    expect(bench.log.flatMap(({ waitMs }) => (typeof waitMs === "number" ? [waitMs] : []))).toEqual([15, 25, 35, 35, 35]);
  });

  test("is what Retry-After asks for, up to the limit", async () => {
    await using bench = await ReflectorBench.start({ maxBackoffMs: 1_500 }, (stub) => {
      stub.fail("watch", refused(429, "TooManyRequests", { "retry-after": "1" }));
      stub.fail("watch", refused(503, "Maintenance", { "retry-after": "86400" }));
    });
    await bench.settled();
    expect(bench.log.flatMap(({ waitMs }) => (typeof waitMs === "number" ? [waitMs] : []))).toEqual([1_000, 1_500]);
    expect(bench.stub.lists).toHaveLength(1);
  });

  test("of watches that are closed at once is not a loop", async () => {
    await using bench = await ReflectorBench.start({ minBackoffMs: 50, maxBackoffMs: 400 }, (stub) => {
      for (let time = 0; time < 30; time++) stub.fail("watch", streamed("", "end"));
    });
    await waitUntil("some watches", () => bench.failures.length >= 3, { timeoutMs: 5_000 });
    const before = bench.stub.watches.length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(bench.stub.watches.length - before).toBeLessThanOrEqual(4);
  });
});

test("what a broken line held is not logged", async () => {
  await using bench = await ReflectorBench.start({}, (stub) => stub.fail("watch", streamed("hush, a secret\n", "end")));
  await bench.settled();
  expect(JSON.stringify(bench.log)).toContain("not JSON");
  expect(JSON.stringify(bench.log)).not.toContain("hush");
});

function failing(stub: ApiStub, times: number): void {
  for (let time = 0; time < times; time++) stub.fail("watch", refused(500, "InternalError"));
}
