import { describe, expect, test } from "vitest";
import type { KubeObject } from "./objects.ts";
import { Store, type StoreChange } from "./store.ts";

type Probe = KubeObject<{ readonly colour: string }>;

function probe(name: string, uid: string, version: number | string, colour = "red"): Probe {
  const metadata = { name, namespace: "shop", uid, resourceVersion: String(version) };
  return { apiVersion: "v1", kind: "Probe", metadata, spec: { colour } };
}

function watched(): { store: Store<Probe>; changes: StoreChange<Probe>[] } {
  const store = new Store<Probe>({ colour: ({ spec }) => [spec?.colour ?? ""] });
  const changes: StoreChange<Probe>[] = [];
  store.onChange((change) => changes.push(change));
  return { store, changes };
}

test("a copy never gets older, whatever the number of digits", () => {
  const { store, changes } = watched();
  store.apply(probe("a", "u", 99));
  store.apply(probe("a", "u", 100, "green"));
  store.apply(probe("a", "u", 99, "blue"));
  store.apply(probe("a", "u", 100, "blue"));
  expect(store.get("shop/a")?.spec?.colour).toBe("green");
  expect(changes.map(({ after }) => after?.metadata.resourceVersion)).toEqual(["99", "100"]);
});

test("what only left the selection comes back when it is selected again, and is heard of when it is deleted then", () => {
  const { store, changes } = watched();
  store.apply(probe("a", "u", 1));
  store.remove(probe("a", "u", 2));
  store.apply(probe("a", "u", 3, "green"));
  store.remove(probe("a", "u", 4));
  expect(changes.map(({ after }) => after?.spec?.colour)).toEqual(["red", undefined, "green", undefined]);
});

describe("what was deleted stays deleted", () => {
  test("when the response of an earlier write comes late", () => {
    const { store } = watched();
    store.apply(probe("a", "u", 1));
    store.remove(probe("a", "u", 3));
    store.apply(probe("a", "u", 2));
    expect(store.size).toBe(0);
  });

  test("when it was created and deleted between two lists, and the create's response comes after the second", () => {
    const { store } = watched();
    store.replace([], "1");
    store.replace([], "5");
    store.apply(probe("a", "u", 3));
    expect(store.get("shop/a")).toBeUndefined();
    store.apply(probe("a", "u2", 6));
    expect(store.get("shop/a")?.metadata.uid).toBe("u2");
  });

  test("when another object of its name came and went", () => {
    const { store } = watched();
    store.apply(probe("a", "first", 1));
    store.apply(probe("a", "second", 3));
    store.remove(probe("a", "second", 4));
    store.apply(probe("a", "first", 2));
    expect(store.get("shop/a")).toBeUndefined();
  });

  test("and takes nothing with it: a late deletion leaves the successor of its name", () => {
    const { store } = watched();
    store.apply(probe("a", "second", 5));
    store.remove(probe("a", "first", 4));
    expect(store.get("shop/a")?.metadata.uid).toBe("second");
  });
});

describe("a list", () => {
  test("replaces everything in one step: listeners never see half of it", () => {
    const { store } = watched();
    store.replace([probe("old", "u0", 1)], "1");
    const seen: (string | boolean)[][] = [];
    store.onChange(() => seen.push([store.synced, ...[...store.list()].map(({ metadata }) => metadata.name)]));
    store.replace([probe("a", "u1", 2), probe("b", "u2", 3)], "3");
    expect(seen).toEqual([
      [true, "a", "b"],
      [true, "a", "b"],
      [true, "a", "b"],
    ]);
  });

  test("is synced from the first one on, also of nothing", () => {
    const { store } = watched();
    expect(store.synced).toBe(false);
    store.replace([], "1");
    expect(store.synced).toBe(true);
  });

  test("keeps what this process wrote after it was taken", () => {
    const { store, changes } = watched();
    store.apply(probe("a", "u1", 7));
    store.apply(probe("b", "u2", 4));
    store.replace([], "5");
    expect([...store.list()].map(({ metadata }) => metadata.name)).toEqual(["a"]);
    expect(changes.at(-1)).toMatchObject({ key: "shop/b", after: undefined, initial: true });
  });

  test("of the same objects changes nothing", () => {
    const { store, changes } = watched();
    store.replace([probe("a", "u1", 2)], "3");
    store.replace([probe("a", "u1", 2)], "9");
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({ initial: true });
  });
});

describe("indexes", () => {
  test("follow the objects", () => {
    const { store } = watched();
    store.apply(probe("a", "u1", 1, "red"));
    store.apply(probe("b", "u2", 2, "red"));
    store.apply(probe("a", "u1", 3, "green"));
    expect(store.byIndex("colour", "red").map(({ metadata }) => metadata.name)).toEqual(["b"]);
    expect(store.byIndex("colour", "green").map(({ metadata }) => metadata.name)).toEqual(["a"]);
    store.remove(probe("a", "u1", 4, "green"));
    expect(store.byIndex("colour", "green")).toEqual([]);
  });

  test("that do not exist are an error", () => {
    expect(() => watched().store.byIndex("size", "big")).toThrow("no index size");
  });
});

test("a listener that throws keeps nothing from the others", () => {
  const { store } = watched();
  const heard: string[] = [];
  store.onChange(({ key }) => {
    if (key === "shop/a") throw new Error("broken listener");
  });
  store.onChange(({ key }) => heard.push(key));
  expect(() => store.replace([probe("a", "u1", 1), probe("b", "u2", 2)], "2")).toThrow("broken listener");
  expect(heard).toEqual(["shop/a", "shop/b"]);
  expect(store.synced).toBe(true);
});
