import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject } from "./objects.ts";
import { compareResourceVersions } from "./resource-version.ts";
import { Store } from "./store.ts";

type Probe = KubeObject<{ readonly colour: string }>;

type Step =
  | { readonly kind: "create" | "update" | "delete"; readonly name: string; readonly colour: string }
  /** A delete by our own write, whose answer the store hears of at once. */
  | { readonly kind: "finalise"; readonly name: string }
  | { readonly kind: "event" }
  | { readonly kind: "replay"; readonly back: number }
  | { readonly kind: "response"; readonly which: number }
  | { readonly kind: "take list" | "list arrives" };

const name = fc.constantFrom("a", "b", "c");
const colour = fc.constantFrom("red", "green");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom("create" as const, "update" as const, "delete" as const), name, colour }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("finalise" as const), name }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("event" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("replay" as const), back: fc.nat({ max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("response" as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("take list" as const, "list arrives" as const) }) },
);

/** What an API server has, in order, with resource versions that gain a digit on the way. */
class Server {
  readonly objects = new Map<string, Probe>();
  readonly history: { readonly version: number; readonly deleted: boolean; readonly object: Probe }[] = [];
  version = 95;
  #uids = 0;

  write(which: string, withColour: string, create: boolean): void {
    const before = this.objects.get(which);
    if ((before === undefined) !== create) return;
    const uid = before?.metadata.uid ?? `uid-${this.#uids++}`;
    const object = this.#stamped(which, uid, withColour);
    this.objects.set(which, object);
    this.history.push({ version: this.version, deleted: false, object });
  }

  /** Returns the object as it was last. */
  delete(which: string): Probe | undefined {
    const before = this.objects.get(which);
    if (before === undefined) return undefined;
    this.objects.delete(which);
    const object = this.#stamped(which, before.metadata.uid ?? "", before.spec?.colour ?? "");
    this.history.push({ version: this.version, deleted: true, object });
    return before;
  }

  #stamped(which: string, uid: string, withColour: string): Probe {
    this.version += 1;
    const metadata = { name: which, uid, resourceVersion: String(this.version) };
    return { apiVersion: "v1", kind: "Probe", metadata, spec: { colour: withColour } };
  }
}

/** A store, and a second copy that is built from nothing but what its listener is told. */
class Observed {
  readonly store = new Store<Probe>({ colour: ({ spec }) => [spec?.colour ?? ""] });
  readonly mirror = new Map<string, Probe>();
  readonly #gone = new Set<string>();

  constructor() {
    this.store.onChange(({ key, before, after }) => {
      expect(before).toEqual(this.mirror.get(key));
      expect(after).not.toEqual(before);
      if (before !== undefined && before.metadata.uid !== after?.metadata.uid) this.#gone.add(before.metadata.uid ?? "");
      if (before !== undefined && after !== undefined) {
        const [older, newer] = [before.metadata.resourceVersion ?? "", after.metadata.resourceVersion ?? ""];
        expect(compareResourceVersions(older, newer)).toBeLessThan(0);
      }
      if (after !== undefined) expect(this.#gone).not.toContain(after.metadata.uid);
      if (after === undefined) this.mirror.delete(key);
      else this.mirror.set(key, after);
    });
  }

  check(): void {
    const objects = [...this.store.list()];
    expect(new Map(objects.map((object) => [object.metadata.name, object]))).toEqual(this.mirror);
    for (const value of ["red", "green"]) {
      const recomputed = objects.filter(({ spec }) => spec?.colour === value).map(({ metadata }) => metadata.name);
      const indexed = this.store.byIndex("colour", value).map(({ metadata }) => metadata.name);
      expect(indexed.sort()).toEqual(recomputed.sort());
    }
  }
}

/** The part of a reflector that matters here: a list, then the events after it, some of them twice. */
class Feed {
  readonly #server: Server;
  readonly #store: Store<Probe>;
  #taken: { readonly objects: readonly Probe[]; readonly version: number } | undefined;
  #listed = 0;
  #cursor = 0;

  constructor(server: Server, store: Store<Probe>) {
    this.#server = server;
    this.#store = store;
    this.takeList();
    this.listArrives();
  }

  takeList(): void {
    this.#taken = { objects: [...this.#server.objects.values()], version: this.#server.version };
  }

  listArrives(): void {
    if (this.#taken === undefined) return;
    this.#store.replace(this.#taken.objects, String(this.#taken.version));
    this.#listed = this.#taken.version;
    this.#cursor = this.#taken.version;
    this.#taken = undefined;
  }

  /** False when there is none. A reflector that is listing watches nothing. */
  event(): boolean {
    if (this.#taken !== undefined) return false;
    const next = this.#server.history.find(({ version }) => version > this.#cursor);
    if (next === undefined) return false;
    if (next.deleted) this.#store.remove(next.object);
    else this.#store.apply(next.object);
    this.#cursor = next.version;
    return true;
  }

  replay(back: number): void {
    this.#cursor = Math.max(this.#listed, this.#cursor - back);
  }
}

test("property: events, replays, write responses and lists in any order end in the server's state, never going back", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const server = new Server();
      const observed = new Observed();
      const feed = new Feed(server, observed.store);
      for (const next of steps) {
        if (next.kind === "create" || next.kind === "update") server.write(next.name, next.colour, next.kind === "create");
        else if (next.kind === "delete") server.delete(next.name);
        else if (next.kind === "finalise") {
          const last = server.delete(next.name);
          if (last !== undefined) observed.store.remove(last);
        } else if (next.kind === "event") feed.event();
        else if (next.kind === "replay") feed.replay(next.back);
        else if (next.kind === "take list") feed.takeList();
        else if (next.kind === "list arrives") feed.listArrives();
        else if (next.kind === "response") {
          const writes = server.history.filter(({ deleted }) => !deleted);
          const write = writes[next.which % Math.max(1, writes.length)];
          if (write !== undefined) observed.store.apply(write.object);
        }
        observed.check();
      }
      feed.listArrives();
      while (feed.event()) observed.check();
      expect(observed.mirror).toEqual(server.objects);
    }),
    { numRuns: 400 },
  );
});
