import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ApiError, isConflict, isNotFound } from "./api-error.ts";
import { PROBES, type Probe } from "./api-stub.testing.ts";
import { collectionPath, objectPath } from "./client.ts";
import { Collection } from "./collection.ts";
import type { KubeObject, ResourceDefinition } from "./objects.ts";
import { type Access, RealServer } from "./real-server.testing.ts";
import { Store } from "./store.ts";

const NOT_SERVED: ResourceDefinition = { ...PROBES, kind: "Other", plural: "others" };
const NAMESPACES: ResourceDefinition = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
const signal = new AbortController().signal;

let server: RealServer;
let access: Access;
let probes: Collection<Probe>;

beforeAll(async () => {
  server = await RealServer.start();
  await server.defineProbes();
});
afterAll(() => server?.[Symbol.asyncDispose]());
beforeEach(() => {
  access = server.access();
  probes = new Collection({ resource: PROBES, store: new Store<Probe>(), client: access.client });
});

function probe(name: string, finalizers: readonly string[] = []): Probe {
  const metadata = { name, namespace: "default", finalizers };
  return { apiVersion: "probe.test/v1", kind: "Probe", metadata, spec: { colour: "red" } };
}

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail("the call succeeded"),
    (error: unknown) => error,
  );
}

describe("the answer of a write", () => {
  test("is in the cache at once, without what nobody reads", async () => {
    const created = await probes.create(probe("written"), signal);
    expect(probes.get("default/written")).toBe(created);
    expect(created.metadata).not.toHaveProperty("managedFields");
    const replaced = await probes.replace({ ...created, spec: { colour: "green" } }, signal);
    expect(probes.get("default/written")).toBe(replaced);
    const withStatus = await probes.replaceStatus(replaced, { seen: true }, signal);
    expect(withStatus).toMatchObject({ spec: { colour: "green" }, status: { seen: true } });
    expect(probes.get("default/written")).toBe(withStatus);
    const patched = await probes.patchMetadata(withStatus, { labels: { a: "1" }, annotations: { b: "2" } }, signal);
    expect(patched).toMatchObject({ metadata: { labels: { a: "1" }, annotations: { b: "2" } }, status: { seen: true } });
    expect(probes.get("default/written")).toBe(patched);
  });

  test("of the removed last finalizer takes the object out of the cache, and a late event does not bring it back", async () => {
    const created = await probes.create(probe("finalised", ["probe.test/one", "probe.test/two"]), signal);
    await probes.remove(created, signal);
    const live = await probes.live("default/finalised", signal);
    if (live.kind !== "present") expect.fail("the finalizers did not hold it");
    expect(live.object.metadata.deletionTimestamp).toBeDefined();
    const held = await probes.patchMetadata(live.object, { finalizers: ["probe.test/two"] }, signal);
    expect(probes.get("default/finalised")?.metadata.finalizers).toEqual(["probe.test/two"]);
    await probes.patchMetadata(held, { finalizers: [] }, signal);
    expect(probes.get("default/finalised")).toBeUndefined();
    probes.store.apply(held);
    expect(probes.get("default/finalised")).toBeUndefined();
    expect(await probes.live("default/finalised", signal)).toEqual({ kind: "gone" });
  });
});

describe("every write is guarded", () => {
  test("an old copy is refused with a conflict, whatever it is written with", async () => {
    const old = await probes.create(probe("raced"), signal);
    await probes.patchMetadata(old, { labels: { raced: "true" } }, signal);
    expect(isConflict(await caught(probes.replace(old, signal)))).toBe(true);
    expect(isConflict(await caught(probes.replaceStatus(old, { seen: true }, signal)))).toBe(true);
    expect(isConflict(await caught(probes.patchMetadata(old, { labels: {} }, signal)))).toBe(true);
    expect(isConflict(await caught(probes.remove(old, signal)))).toBe(true);
  });

  test("a copy of an earlier object of the name is refused too", async () => {
    const first = await probes.create(probe("reborn"), signal);
    await probes.remove(first, signal);
    const second = await probes.create(probe("reborn"), signal);
    const forged = { ...first, metadata: { ...first.metadata, resourceVersion: second.metadata.resourceVersion ?? "" } };
    expect(isConflict(await caught(probes.replaceStatus(forged, { seen: true }, signal)))).toBe(true);
    expect(isConflict(await caught(probes.remove(forged, signal)))).toBe(true);
  });

  test("a copy without a version or uid is not written at all", async () => {
    const loose = probe("loose");
    await expect(probes.replace(loose, signal)).rejects.toThrow("without a resourceVersion");
    await expect(probes.patchMetadata(loose, { labels: {} }, signal)).rejects.toThrow("without a resourceVersion");
    await expect(probes.remove(loose, signal)).rejects.toThrow("no uid");
  });
});

describe("gone", () => {
  test("is only an object whose kind is served; deleting it again is success", async () => {
    expect(await probes.live("default/never", signal)).toEqual({ kind: "gone" });
    const created = await probes.create(probe("short"), signal);
    await probes.remove(created, signal);
    await expect(probes.remove(created, signal)).resolves.toBeUndefined();
  });

  test("a kind that is not served says nothing of its objects", async () => {
    const others = new Collection({ resource: NOT_SERVED, store: new Store<Probe>(), client: access.client });
    const error = await caught(others.live("default/a", signal));
    expect(error).toBeInstanceOf(ApiError);
    expect(isNotFound(error)).toBe(true);
    const created = await probes.create(probe("a"), signal);
    expect(isNotFound(await caught(others.remove(created, signal)))).toBe(true);
  });

  test("the client's get makes no difference", async () => {
    expect(await access.client.get(NOT_SERVED, "default/a")).toBeUndefined();
    expect(await access.client.get(PROBES, "default/never")).toBeUndefined();
    expect(await access.client.get(PROBES, "default/a")).toMatchObject({ metadata: { name: "a" } });
  });
});

test("a namespace that is being deleted has no finalizers of metadata, and is there until it is gone", async () => {
  const namespaces = new Collection<KubeObject>({ resource: NAMESPACES, store: new Store(), client: access.client });
  await server.apply("POST", "/api/v1/namespaces", { metadata: { name: "doomed" } });
  await namespaces.live("doomed", signal);
  await server.apply("DELETE", "/api/v1/namespaces/doomed");
  const live = await namespaces.live("doomed", signal);
  expect(live).toMatchObject({ kind: "present", object: { metadata: { deletionTimestamp: expect.any(String) } } });
  expect(namespaces.get("doomed")?.metadata.deletionTimestamp).toBeDefined();
});

test("paths: core and group, all namespaces and one, cluster-scoped, with names escaped", () => {
  expect(collectionPath(PROBES)).toBe("/apis/probe.test/v1/probes");
  expect(collectionPath(PROBES, "shop")).toBe("/apis/probe.test/v1/namespaces/shop/probes");
  expect(collectionPath(NAMESPACES, "ignored")).toBe("/api/v1/namespaces");
  expect(objectPath(NAMESPACES, "shop")).toBe("/api/v1/namespaces/shop");
  expect(objectPath(PROBES, "shop/a?watch=true")).toBe("/apis/probe.test/v1/namespaces/shop/probes/a%3Fwatch%3Dtrue");
});
