import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { PROBES, type Probe } from "./api-stub.testing.ts";
import { KubeClient } from "./client.ts";
import { Collection } from "./collection.ts";
import { ChangingCredentials, json, ScriptedServer, status, transportTo } from "./scripted-server.testing.ts";
import { Store } from "./store.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const signal = new AbortController().signal;
const probe = (version: string, colour: string): Probe => ({
  apiVersion: "probe.test/v1",
  kind: "Probe",
  metadata: { name: "a", namespace: "shop", uid: "uid-a", resourceVersion: version },
  spec: { colour },
});

/** A server that has version 7 of one object, and a cache that has version 5; writes are answered as told. */
async function behind(write: (response: ServerResponse) => void) {
  let now: Probe | undefined = probe("7", "green");
  const server = await ScriptedServer.start((seen, response) => {
    if (seen.method !== "GET") write(response);
    else if (now === undefined) json(response, 404, status(404, "NotFound", "", { name: "a", kind: "probes" }));
    else json(response, 200, now);
  });
  const { transport } = transportTo(new ChangingCredentials({ server: server.url, tls: {} }));
  closing.push(
    () => server[Symbol.asyncDispose](),
    () => transport.close(),
  );
  const store = new Store<Probe>();
  store.apply(probe("5", "red"));
  const probes = new Collection({ resource: PROBES, store, client: new KubeClient(transport) });
  const gets = (): number => server.seen.filter(({ method }) => method === "GET").length;
  const vanish = (): void => {
    now = undefined;
  };
  return { probes, gets, vanish };
}

const LOST: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ["got no answer", (response) => response.socket?.resetAndDestroy()],
  ["failed at the server", (response) => json(response, 500, status(500, "InternalError", "etcdserver: request timed out"))],
];

describe.each(LOST)("after a write that %s", (_, write) => {
  test("the object is read once before the next reconcile", async () => {
    const { probes, gets } = await behind(write);
    await expect(probes.replaceStatus(probe("5", "red"), { seen: true }, signal)).rejects.toThrow();
    expect(probes.get("shop/a")?.spec?.colour).toBe("red");
    await probes.settle("shop/a", signal);
    expect(probes.get("shop/a")?.spec?.colour).toBe("green");
    await probes.settle("shop/a", signal);
    expect(gets()).toBe(1);
  });

  test("an object that is gone is taken out of the cache", async () => {
    const { probes, vanish } = await behind(write);
    await expect(probes.patchMetadata(probe("5", "red"), { finalizers: [] }, signal)).rejects.toThrow();
    vanish();
    await probes.settle("shop/a", signal);
    expect(probes.get("shop/a")).toBeUndefined();
  });

  test("it stays open while the read fails too", async () => {
    const { probes, gets } = await behind(write);
    await expect(probes.remove(probe("5", "red"), signal)).rejects.toThrow();
    await expect(probes.settle("shop/a", AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
    await probes.settle("shop/a", signal);
    expect([probes.get("shop/a")?.metadata.resourceVersion, gets()]).toEqual(["7", 1]);
  });
});

test("a write that was refused left everything as it was: nothing is read", async () => {
  const { probes, gets } = await behind((response) => json(response, 409, status(409, "Conflict")));
  await expect(probes.replaceStatus(probe("5", "red"), {}, signal)).rejects.toThrow("Conflict");
  await expect(probes.remove(probe("5", "red"), signal)).rejects.toThrow("Conflict");
  await probes.settle("shop/a", signal);
  expect(gets()).toBe(0);
});

test("an object that we deleted is read: finalizers may keep it", async () => {
  const { probes, gets } = await behind((response) => json(response, 200, {}));
  await probes.remove(probe("5", "red"), signal);
  await probes.settle("shop/a", signal);
  expect([probes.get("shop/a")?.metadata.resourceVersion, gets()]).toEqual(["7", 1]);
});
