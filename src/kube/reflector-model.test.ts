import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { createLogger } from "../runtime/logger.ts";
import { Reflector } from "./reflector.ts";
import { ModelServer, PROBES, type Probe, type Spoil, type WatchListSupport } from "./reflector-model.testing.ts";
import { compareResourceVersions } from "./resource-version.ts";
import { ChangingCredentials, transportTo } from "./scripted-server.testing.ts";
import { Store } from "./store.ts";

type Step =
  | { readonly kind: "write"; readonly name: string; readonly colour: string }
  | { readonly kind: "delete"; readonly name: string }
  | { readonly kind: "bookmark" | "compact" | "end" | "reset" | "cut" | "expire" | "darken" }
  | { readonly kind: "spoil"; readonly of: "list" | "watch"; readonly spoil: Spoil }
  | { readonly kind: "pause"; readonly ms: number };

const LIMITS = { minBackoffMs: 2, maxBackoffMs: 40, idleMs: 250, initialIdleMs: 150, absentMs: 50 };
const SETTLED_MS = 20_000;

const name = fc.constantFrom("a", "b", "c", "d", "e", "f", "g");
const write: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("write" as const),
  name,
  colour: fc.constantFrom("red", "green", "blue"),
});
const remove: fc.Arbitrary<Step> = fc.record({ kind: fc.constant("delete" as const), name });
const pause: fc.Arbitrary<Step> = fc.record({ kind: fc.constant("pause" as const), ms: fc.nat({ max: 15 }) });
const just = (...kinds: ("bookmark" | "compact" | "end" | "reset" | "cut" | "expire" | "darken")[]): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constantFrom(...kinds) });
// A page that is never answered costs a call's whole deadline of 15 s: watches are spoiled so instead.
const spoilOfList: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("spoil" as const),
  of: fc.constant("list" as const),
  spoil: fc.constantFrom<Spoil>("refuse 410", "refuse 429", "reset", "truncate"),
});
const spoilOfWatch: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("spoil" as const),
  of: fc.constant("watch" as const),
  spoil: fc.constantFrom<Spoil>(
    "refuse 410",
    "refuse 429",
    "refuse 500",
    "reset",
    "truncate",
    "never answer",
    "answer and never speak",
  ),
});
const anyStep = fc.oneof(
  { weight: 8, arbitrary: write },
  { weight: 3, arbitrary: remove },
  { weight: 4, arbitrary: pause },
  { weight: 3, arbitrary: just("bookmark", "compact", "end") },
  { weight: 3, arbitrary: just("reset", "cut", "expire", "darken") },
  { weight: 1, arbitrary: spoilOfList },
  { weight: 2, arbitrary: spoilOfWatch },
);
const quietStep = fc.oneof(
  { weight: 8, arbitrary: write },
  { weight: 3, arbitrary: remove },
  { weight: 4, arbitrary: pause },
  { weight: 2, arbitrary: just("bookmark", "end", "reset", "cut") },
);
const anySteps = fc.array(anyStep, { maxLength: 50, size: "max" });
const quietSteps = fc.array(quietStep, { maxLength: 50, size: "max" });
const early = fc.array(fc.oneof(write, remove, pause), { maxLength: 20, size: "max" });
/** How long the end of the initial events is awaited, while other events come. */
const delayOfEnd = fc.nat({ max: 40 });
const support = fc.constantFrom<WatchListSupport>("streamed", "refused", "ignored");

function take(server: ModelServer, step: Step): void {
  if (step.kind === "write") server.write(step.name, step.colour);
  else if (step.kind === "delete") server.delete(step.name);
  else if (step.kind === "bookmark") server.bookmark();
  else if (step.kind === "compact") server.compact();
  else if (step.kind === "end") server.endWatches();
  else if (step.kind === "reset") server.resetWatches();
  else if (step.kind === "cut") server.cutWatches();
  else if (step.kind === "expire") server.expireWatches();
  else if (step.kind === "darken") server.darkenWatches();
  else if (step.kind === "spoil") server.spoil(step.of, step.spoil);
}

async function takeAll(server: ModelServer, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    take(server, step);
    if (step.kind === "pause") await delay(step.ms);
  }
}

/** A reflector on a model server, and a second copy that is built from nothing but what listeners are told. */
class Observed implements AsyncDisposable {
  readonly server: ModelServer;
  readonly store = new Store<Probe>();
  readonly mirror = new Map<string, Probe>();
  /** `name@version` or `name gone`, of live events. */
  readonly announced: string[] = [];
  readonly problems: string[] = [];
  readonly #reflector: Reflector<Probe>;
  readonly #wired: ReturnType<typeof transportTo>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Index into the server's history: every state that was shown is one that the server had, and none is older than the last. */
  #shown = 0;

  constructor(server: ModelServer) {
    this.server = server;
    this.#wired = transportTo(new ChangingCredentials({ server: server.url, tls: {} }));
    this.store.onChange(({ key, before, after, initial }) => {
      if (before !== this.mirror.get(key)) this.problems.push(`${key}: what changed is not what was told before`);
      if (before !== undefined && after !== undefined && compareVersions(before, after) >= 0)
        this.problems.push(`${key} went from version ${versionOf(before)} to ${versionOf(after)}`);
      if (after === undefined) this.mirror.delete(key);
      else this.mirror.set(key, after);
      if (initial) return;
      this.announced.push(after === undefined ? `${key} gone` : `${key}@${versionOf(after)}`);
      this.#follow(`after ${this.announced.at(-1)}`);
    });
    this.#reflector = new Reflector({
      resource: PROBES,
      store: this.store,
      project: (probe) => probe,
      transport: this.#wired.transport,
      metrics: this.#wired.metrics,
      logger: createLogger({ level: "silent" }),
      random: () => 0.5,
      onSynced: () => this.#follow("after a list"),
      limits: LIMITS,
    });
    this.#running = this.#reflector.run(this.#stop.signal);
  }

  async settled(): Promise<void> {
    const same = (): boolean => this.server.openWatches > 0 && shape(this.store.list()) === shape(this.server.objects);
    await waitUntil("the store to be what the server has", same, { timeoutMs: SETTLED_MS, intervalMs: 2 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("stop"));
    await this.#running;
    await this.#wired.transport.close();
    await this.server[Symbol.asyncDispose]();
  }

  #follow(when: string): void {
    const wanted = shape(this.mirror.values());
    const state = new Map<string, Probe>();
    for (let index = 0; ; index += 1) {
      if (index >= this.#shown && shape(state.values()) === wanted) {
        this.#shown = index;
        return;
      }
      const written = this.server.history[index];
      if (written === undefined) break;
      if (written.type === "DELETED") state.delete(written.object.metadata.name);
      else state.set(written.object.metadata.name, written.object);
    }
    this.problems.push(`${when}: the server was never so, or only before: ${wanted}`);
  }
}

function versionOf({ metadata }: Probe): string {
  return metadata.resourceVersion ?? "";
}

function compareVersions(a: Probe, b: Probe): number {
  return compareResourceVersions(versionOf(a), versionOf(b));
}

function shape(probes: Iterable<Probe>): string {
  return [...probes]
    .map((probe) => `${probe.metadata.name}@${versionOf(probe)}=${probe.spec?.colour}`)
    .sort()
    .join();
}

test("property: whatever the server does, the store ends as the server is, and never shows what the server was not", async () => {
  const example = fc.asyncProperty(support, delayOfEnd, anySteps, async (watchList, endDelayMs, steps) => {
    const server = await ModelServer.start();
    server.watchList = watchList;
    server.endDelayMs = endDelayMs;
    for (const each of ["a", "b", "c", "d"]) server.write(each, "red");
    await using observed = new Observed(server);
    await takeAll(server, steps);
    server.heal();
    await observed.settled();
    expect(observed.problems).toEqual([]);
    expect(shape(observed.mirror.values())).toBe(shape(server.objects));
    // It still listens.
    server.write("z", "red");
    await observed.settled();
  });
  await fc.assert(example, { numRuns: 60, endOnFailure: true });
}, 300_000);

test("property: as long as the server keeps its history, every single change is announced once and in order", async () => {
  const example = fc.asyncProperty(support, delayOfEnd, early, quietSteps, async (watchList, endDelayMs, before, steps) => {
    const server = await ModelServer.start();
    server.watchList = watchList;
    server.endDelayMs = endDelayMs;
    for (const each of ["a", "b", "c", "d"]) server.write(each, "red");
    await using observed = new Observed(server);
    // What changes while the beginning is told is part of it.
    await takeAll(server, before);
    await observed.settled();
    const known = server.history.length;
    const heard = observed.announced.length;
    await takeAll(server, steps);
    await observed.settled();
    const told = server.history.slice(known).map(({ type, object }) => {
      return type === "DELETED" ? `${object.metadata.name} gone` : `${object.metadata.name}@${versionOf(object)}`;
    });
    expect(observed.announced.slice(heard)).toEqual(told);
    expect(observed.problems).toEqual([]);
  });
  await fc.assert(example, { numRuns: 60, endOnFailure: true });
}, 300_000);
