import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { createLogger } from "../runtime/logger.ts";
import { EventBroadcaster } from "./events.ts";
import type { KubeObject } from "./objects.ts";
import { type Access, RealServer } from "./real-server.testing.ts";
import { ChangingCredentials, json, ScriptedServer, status, transportTo } from "./scripted-server.testing.ts";

interface EventObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly note: string;
  readonly series?: { readonly count: number };
}

let server: RealServer;
let access: Access;
beforeAll(async () => {
  server = await RealServer.start();
});
afterAll(() => server?.[Symbol.asyncDispose]());
beforeEach(() => {
  access = server.access();
});

function recorder(instance = "operator-0"): EventBroadcaster {
  const { transport, logger } = access;
  return new EventBroadcaster({ transport, logger, controller: "probe.test/operator", instance });
}

function object(name: string, namespace: string | undefined = "default"): KubeObject {
  const metadata = { name, uid: `uid-of-${name}`, resourceVersion: "7", ...(namespace === undefined ? {} : { namespace }) };
  return { apiVersion: "probe.test/v1", kind: "Probe", metadata };
}

async function eventsOf(name: string, namespace = "default"): Promise<readonly EventObject[]> {
  const all = (await server.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)) as {
    items: readonly (EventObject & { regarding: { name: string } })[];
  };
  return all.items.filter(({ regarding }) => regarding.name === name);
}

test("an event tells what it regards, what was done, by whom and when", async () => {
  const events = recorder();
  events.event(object("told"), "Warning", "DNSNotConfigured", "Check", "acme.com has no CNAME");
  await events.flush(5_000);
  expect(await eventsOf("told")).toEqual([
    expect.objectContaining({
      type: "Warning",
      reason: "DNSNotConfigured",
      action: "Check",
      note: "acme.com has no CNAME",
      reportingController: "probe.test/operator",
      reportingInstance: "operator-0",
      eventTime: expect.stringMatching(/\.\d{6}Z$/),
      regarding: {
        apiVersion: "probe.test/v1",
        kind: "Probe",
        name: "told",
        namespace: "default",
        uid: "uid-of-told",
        resourceVersion: "7",
      },
    }),
  ]);
});

test("of a cluster-scoped object they are in the namespace default", async () => {
  const events = recorder();
  const { namespace: _, ...metadata } = object("cluster-scoped").metadata;
  events.event({ ...object("cluster-scoped"), metadata }, "Normal", "Ready", "Reconcile", "fine");
  await events.flush(5_000);
  expect(await eventsOf("cluster-scoped")).toMatchObject([{ metadata: { namespace: "default" }, note: "fine" }]);
});

describe("the same again", () => {
  test("is a series of one event; another note is another event", async () => {
    const events = recorder();
    for (let time = 0; time < 4; time++) events.event(object("series"), "Normal", "Ready", "Check", "all is well");
    events.event(object("series"), "Normal", "Ready", "Check", "all is very well");
    await events.flush(5_000);
    const [one, other] = (await eventsOf("series")).toSorted((a, b) => b.note.localeCompare(a.note));
    expect(one).toMatchObject({
      note: "all is well",
      series: { count: 4, lastObservedTime: expect.stringMatching(/\.\d{6}Z$/) },
    });
    expect(other).toMatchObject({ note: "all is very well" });
    expect(other).not.toHaveProperty("series");
  });

  test("after its event was deleted is a new event", async () => {
    const events = recorder();
    events.event(object("expired"), "Normal", "Ready", "Check", "all is well");
    await events.flush(5_000);
    const [first] = await eventsOf("expired");
    await server.apply("DELETE", `/apis/events.k8s.io/v1/namespaces/default/events/${first?.metadata.name}`);
    events.event(object("expired"), "Normal", "Ready", "Check", "all is well");
    await events.flush(5_000);
    const again = await eventsOf("expired");
    expect(again).toHaveLength(1);
    expect(again[0]?.metadata.name).not.toBe(first?.metadata.name);
  });
});

test("a flood is bounded to 25 per object, and leaves other objects theirs", async () => {
  const events = recorder();
  for (let index = 0; index < 200; index++) events.event(object("flood"), "Normal", "Changed", "Check", `change ${index}`);
  events.event(object("quiet"), "Normal", "Ready", "Check", "all is well");
  await events.flush(10_000);
  expect(await eventsOf("flood")).toHaveLength(25);
  expect(await eventsOf("quiet")).toHaveLength(1);
});

describe("what the API server would refuse is cut to fit", () => {
  test.each([
    ["a long note of more bytes than characters", object("wide"), "💥ß".repeat(600), "operator-0"],
    ["a long name with a separator where it is cut", object(`${"a".repeat(199)}-${"b".repeat(40)}.com`), "fine", "operator-0"],
    ["a long instance name", object("instance"), "fine", "x".repeat(253)],
  ])("%s", async (_, regarding, note, instance) => {
    const events = recorder(instance);
    events.event(regarding, "Normal", "Ready", "Check", note);
    await events.flush(5_000);
    expect(access.log).toEqual([]);
    const [event] = await eventsOf(regarding.metadata.name);
    expect(note.startsWith(event?.note ?? "never")).toBe(true);
    expect(event?.note.length).toBeGreaterThan(Math.min(3, note.length - 1));
  });
});

describe("a failure", () => {
  test("never throws, is logged, and the next event is sent", async () => {
    access = server.access({ user: "nobody" });
    const events = recorder();
    events.event(object("forbidden"), "Normal", "Ready", "Check", "one");
    events.event(object("forbidden"), "Normal", "Ready", "Check", "two");
    await events.flush(5_000);
    expect(access.log.filter(({ level }) => level === "warn")).toHaveLength(2);
    expect(await eventsOf("forbidden")).toEqual([]);
  });

  test("that hangs holds neither the caller nor, for longer than asked, the flush", async () => {
    await using hanging = await ScriptedServer.start(() => {});
    const { transport } = transportTo(new ChangingCredentials({ server: hanging.url, tls: {} }));
    const logger = createLogger({ level: "silent" });
    const events = new EventBroadcaster({ transport, logger, controller: "c", instance: "i" });
    const started = performance.now();
    for (let index = 0; index < 3_000; index++) events.event(object(`o-${index}`), "Normal", "Ready", "Check", "fine");
    expect(performance.now() - started).toBeLessThan(1_000);
    await events.flush(200);
    expect(performance.now() - started).toBeLessThan(3_000);
    await transport.close();
  });
});

test("an event that comes just as the last one was given up is not left behind", async () => {
  await using refusing = await ScriptedServer.start((_, response) => json(response, 403, status(403, "Forbidden")));
  const { transport } = transportTo(new ChangingCredentials({ server: refusing.url, tls: {} }));
  let warned = false;
  const write = (): void => {
    if (!warned) queueMicrotask(() => events.event(object("second"), "Normal", "Ready", "Check", "fine"));
    warned = true;
  };
  const logger = createLogger({ level: "warn", destination: { write } });
  const events = new EventBroadcaster({ transport, logger, controller: "c", instance: "i" });
  events.event(object("first"), "Normal", "Ready", "Check", "fine");
  await waitUntil("the second event", () => refusing.seen.length === 2, { timeoutMs: 2_000 });
  expect(refusing.seen.map(({ body }) => JSON.parse(body).regarding.name)).toEqual(["first", "second"]);
  await transport.close();
});
