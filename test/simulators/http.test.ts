import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { SkewedClock } from "./clock.ts";
import { json, parseJSON, SimulatorServer } from "./http.ts";
import { matchPath } from "./path.ts";

let clock: SkewedClock;
let server: SimulatorServer;
let url: string;
/** How often the handler behind the route ran. */
let applied: number;

beforeEach(async () => {
  clock = new SkewedClock();
  applied = 0;
  server = new SimulatorServer({ clock, state: () => ({ applied }), bodyLimitBytes: 100 });
  server.route("POST", "/things/:id", (request) => {
    applied += 1;
    return json(201, { id: request.params.id, got: parseJSON(request), q: request.query.get("q") });
  });
  url = await server.listen("127.0.0.1");
  return () => server.close();
});

const send = (body = '{"a":1}') => fetch(`${url}/things/one%20two?q=3`, { method: "POST", body });

test("a request reaches its handler with parameters, query and body, and is counted", async () => {
  const response = await send();
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual({ id: "one two", got: { a: 1 }, q: "3" });
  expect(server.count("POST /things/:id")).toBe(1);
  expect((await fetch(`${url}/things/1`)).status).toBe(404);
  expect(await (await fetch(`${url}/admin/counters`)).json()).toEqual({ "POST /things/:id": 1, "GET *": 1 });
  expect(await (await fetch(`${url}/admin/state`)).json()).toEqual({ applied: 1 });
});

test("a body over the limit is refused without running the handler", async () => {
  expect((await send("x".repeat(101))).status).toBe(413);
  expect(applied).toBe(0);
});

test("a handler's error is a 500", async () => {
  expect((await send("{")).status).toBe(500);
});

test.each([
  ["status and body replace the answer", { status: 503, body: { no: 1 }, headers: { "retry-after": "7" } }, 0],
  ["an HTML page is a 502", { html: "<h1>Bad gateway</h1>" }, 0],
  ["with apply the call happens all the same", { status: 500, apply: true }, 1],
])("fault: %s", async (_, fault, expected) => {
  server.addFault({ path: "/things/:id", times: 1, ...fault });
  const response = await send();
  expect(response.status).toBe("status" in fault ? fault.status : 502);
  expect(response.headers.get("retry-after")).toBe("headers" in fault ? "7" : null);
  expect(response.headers.get("content-type")).toBe("html" in fault ? "text/html" : "body" in fault ? "application/json" : null);
  expect(applied).toBe(expected);
  expect((await send()).status).toBe(201);
});

test("fault: the connection ends before or after the call happens", async () => {
  server.addFault({ path: "/things/*", times: 1, dropBefore: true });
  await expect(send()).rejects.toThrow();
  expect(applied).toBe(0);
  server.addFault({ path: "/things/*", times: 1, dropAfter: true });
  await expect(send()).rejects.toThrow();
  expect(applied).toBe(1);
});

test("fault: half of the answer", async () => {
  server.addFault({ path: "/*", truncate: true });
  const response = await send();
  expect(response.status).toBe(201);
  await expect(response.json()).rejects.toThrow(SyntaxError);
  server.clearFaults();
  expect(await (await send()).json()).toMatchObject({ q: "3" });
});

test("fault: delays take the clock's time, before or after the call", async () => {
  const finished = async (fault: { delayBeforeMs?: number; delayAfterMs?: number }, appliedMeanwhile: number) => {
    server.addFault({ path: "/things/:id", times: 1, ...fault });
    let done = false;
    const sent = send().then(() => {
      done = true;
    });
    await delay(50);
    expect([done, applied]).toEqual([false, appliedMeanwhile]);
    clock.advance(60_000);
    await sent;
  };
  await finished({ delayBeforeMs: 60_000 }, 0);
  await finished({ delayAfterMs: 60_000 }, 2);
});

test("fault: only the method given, and only after those let through", async () => {
  server.addFault({ method: "GET", path: "/things/:id", status: 500 });
  server.addFault({ method: "POST", path: "/things/:id", status: 500, skip: 1, times: 1 });
  expect([(await send()).status, (await send()).status, (await send()).status]).toEqual([201, 500, 201]);
});

test("faults are switched by HTTP, and nonsense is refused", async () => {
  const admin = (body: unknown) => fetch(`${url}/admin/faults`, { method: "POST", body: JSON.stringify(body) });
  expect((await admin({ path: "/things/:id", status: 418 })).status).toBe(201);
  expect((await send()).status).toBe(418);
  expect((await admin({ path: "/x", sttaus: 500 })).status).toBe(400);
  await fetch(`${url}/admin/faults`, { method: "DELETE" });
  expect((await send()).status).toBe(201);
});

test("a path matches its own pattern and yields what was put in", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
      const path = `/x/${encodeURIComponent(a)}/y/${encodeURIComponent(b)}`;
      expect(matchPath("/x/:a/y/:b", path)).toEqual({ a, b });
      expect(matchPath("/x/*", path)).toEqual({});
      expect(matchPath("/x/:a/y", path)).toBeUndefined();
      expect(matchPath("/x/:a/z/:b", path)).toBeUndefined();
    }),
  );
  expect(matchPath("/x/:a", "/x/")).toBeUndefined();
  expect(matchPath("/x/:a", "/x/%zz")).toBeUndefined();
});
