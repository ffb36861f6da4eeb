import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "./manual-clock.testing.ts";
import { Timers } from "./timers.ts";
import { Priority, WorkQueue } from "./work-queue.ts";

type Step =
  | { readonly kind: "add"; readonly key: string; readonly priority: Priority }
  | { readonly kind: "addAfter"; readonly key: string; readonly priority: Priority; readonly delay: number }
  | { readonly kind: "take" }
  | { readonly kind: "done"; readonly which: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "close" };

const key = fc.constantFrom("a/1", "a/2", "a/3", "b/1", "b/2", "cluster-scoped");
const priority = fc.constantFrom(Priority.Live, Priority.Low);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant("add" as const), key, priority }) },
  {
    weight: 15,
    arbitrary: fc.record({ kind: fc.constant("addAfter" as const), key, priority, delay: fc.integer({ min: -1, max: 20 }) }),
  },
  { weight: 20, arbitrary: fc.record({ kind: fc.constant("take" as const) }) },
  { weight: 15, arbitrary: fc.record({ kind: fc.constant("done" as const), which: fc.nat() }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("close" as const) }) },
);

interface Waiting {
  readonly key: string;
  readonly priority: Priority;
}

/** The queue's promises, kept by arrays that are searched from end to end. */
class Model {
  /** Groups in turn order with their keys in order of arrival, by priority. */
  lanes = new Map<Priority, { group: string; keys: string[] }[]>([
    [Priority.Live, []],
    [Priority.Low, []],
  ]);
  delayed: (Waiting & { readonly due: number })[] = [];
  processing: string[] = [];
  dirty: Waiting[] = [];
  time = 0;
  closed = false;

  add(added: string, asked: Priority): void {
    if (this.closed) return;
    const earlier = this.delayed.find((entry) => entry.key === added);
    this.delayed = this.delayed.filter((entry) => entry.key !== added);
    let wanted = highest(asked, earlier?.priority);
    if (this.processing.includes(added)) {
      wanted = highest(wanted, this.dirty.find((entry) => entry.key === added)?.priority);
      this.dirty = [...this.dirty.filter((entry) => entry.key !== added), { key: added, priority: wanted }];
      return;
    }
    const queued = this.priorityOf(added);
    if (queued !== undefined && queued >= wanted) return;
    this.#leave(added);
    const lane = this.lanes.get(wanted) ?? [];
    const group = lane.find((candidate) => candidate.group === groupOf(added));
    if (group === undefined) lane.push({ group: groupOf(added), keys: [added] });
    else group.keys.push(added);
  }

  addAfter(added: string, delay: number, asked: Priority): void {
    const queued = this.priorityOf(added) !== undefined || this.dirty.some((entry) => entry.key === added);
    if (delay <= 0 || queued) {
      this.add(added, asked);
      return;
    }
    if (this.closed) return;
    const earlier = this.delayed.find((entry) => entry.key === added);
    const raised = highest(asked, earlier?.priority);
    const due = this.time + delay;
    if (earlier !== undefined && earlier.due <= due) {
      this.delayed = this.delayed.map((entry) => (entry.key === added ? { ...entry, priority: raised } : entry));
    } else {
      this.delayed = [...this.delayed.filter((entry) => entry.key !== added), { key: added, priority: raised, due }];
    }
  }

  take(): Waiting | undefined {
    for (const [lanePriority, lane] of this.lanes) {
      const turn = lane.shift();
      const next = turn?.keys.shift();
      if (turn === undefined || next === undefined) continue;
      if (turn.keys.length > 0) lane.push(turn);
      this.processing.push(next);
      return { key: next, priority: lanePriority };
    }
    return undefined;
  }

  done(finished: string): void {
    this.processing = this.processing.filter((candidate) => candidate !== finished);
    const again = this.dirty.find((entry) => entry.key === finished);
    this.dirty = this.dirty.filter((entry) => entry.key !== finished);
    if (again !== undefined) this.add(finished, again.priority);
  }

  pass(ms: number): void {
    this.time += ms;
    const due = this.delayed.filter((entry) => entry.due <= this.time).sort((a, b) => a.due - b.due);
    for (const entry of due) this.add(entry.key, entry.priority);
  }

  close(): void {
    this.closed = true;
    this.delayed = [];
    this.dirty = [];
    for (const lane of this.lanes.values()) lane.length = 0;
  }

  get depth(): number {
    return [...this.lanes.values()].flat().reduce((sum, group) => sum + group.keys.length, 0);
  }

  priorityOf(queued: string): Priority | undefined {
    for (const [lanePriority, lane] of this.lanes) if (lane.some((group) => group.keys.includes(queued))) return lanePriority;
    return undefined;
  }

  #leave(left: string): void {
    for (const [lanePriority, lane] of this.lanes) {
      for (const group of lane) group.keys = group.keys.filter((candidate) => candidate !== left);
      this.lanes.set(
        lanePriority,
        lane.filter((group) => group.keys.length > 0),
      );
    }
  }
}

function highest(a: Priority, b: Priority | undefined): Priority {
  return b !== undefined && b > a ? b : a;
}

function groupOf(of: string): string {
  return of.includes("/") ? (of.split("/")[0] ?? "") : "";
}

function run(steps: readonly Step[]): void {
  const clock = new ManualClock();
  const queue = new WorkQueue({ clock, timers: new Timers(clock) });
  const model = new Model();
  const processing: string[] = [];
  /** Added since it was last handed out: each must be handed out once more. */
  const owed = new Set<string>();
  const take = (): boolean => {
    const item = queue.take();
    expect(item).toEqual(model.take());
    if (item === undefined) return false;
    expect(processing).not.toContain(item.key);
    processing.push(item.key);
    owed.delete(item.key);
    return true;
  };
  const done = (index: number): void => {
    const [finished] = processing.splice(index, 1);
    if (finished === undefined) return;
    queue.done(finished);
    model.done(finished);
  };
  const pass = (ms: number): void => {
    clock.advance(ms);
    model.pass(ms);
  };
  for (const next of steps) {
    if (next.kind === "add") {
      queue.add(next.key, next.priority);
      model.add(next.key, next.priority);
    } else if (next.kind === "addAfter") {
      queue.addAfter(next.key, next.delay, next.priority);
      model.addAfter(next.key, next.delay, next.priority);
    } else if (next.kind === "take") take();
    else if (next.kind === "done" && processing.length > 0) done(next.which % processing.length);
    else if (next.kind === "pass") pass(next.ms);
    else if (next.kind === "close") {
      queue.close();
      model.close();
      owed.clear();
    }
    if ("key" in next && !model.closed) owed.add(next.key);
    expect(queue.depth).toBe(model.depth);
  }
  // Nothing is lost: with time and idle workers, everything that was asked for is handed out.
  while (processing.length > 0) done(0);
  pass(100);
  while (take()) done(0);
  expect([...owed]).toEqual([]);
  expect(clock.armed).toBe(0);
}

test("property: hands out what the model does, loses nothing, never one key twice at a time", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 120, size: "max" }), run), { numRuns: 400 });
});

test("the generated runs reach the states that matter", () => {
  const reached = { raised: 0, dirty: 0, delayedTwice: 0 };
  for (const steps of fc.sample(fc.array(step, { maxLength: 120, size: "max" }), { numRuns: 50, seed: 1 })) {
    const model = new Model();
    for (const next of steps) {
      if (next.kind === "add") {
        if (next.priority === Priority.Live && model.priorityOf(next.key) === Priority.Low) reached.raised += 1;
        model.add(next.key, next.priority);
        if (model.dirty.some((entry) => entry.key === next.key)) reached.dirty += 1;
      } else if (next.kind === "addAfter") {
        if (model.delayed.some((entry) => entry.key === next.key)) reached.delayedTwice += 1;
        model.addAfter(next.key, next.delay, next.priority);
      } else if (next.kind === "take") model.take();
      else if (next.kind === "done") model.done(model.processing[next.which % Math.max(1, model.processing.length)] ?? "");
      else if (next.kind === "pass") model.pass(next.ms);
    }
  }
  expect(Math.min(...Object.values(reached))).toBeGreaterThan(20);
});
