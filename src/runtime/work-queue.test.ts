import { describe, expect, test } from "vitest";
import { ManualClock } from "./manual-clock.testing.ts";
import { Timers } from "./timers.ts";
import { Priority, WorkQueue } from "./work-queue.ts";

function queue(): { clock: ManualClock; queue: WorkQueue; observed: { added: number; queuedMs: number[] } } {
  const clock = new ManualClock();
  const observed = { added: 0, queuedMs: [] as number[] };
  const observer = {
    added: () => {
      observed.added += 1;
    },
    started: (queuedMs: number) => {
      observed.queuedMs.push(queuedMs);
    },
  };
  return { clock, observed, queue: new WorkQueue({ clock, timers: new Timers(clock), observer }) };
}

/** Takes and finishes everything that is ready. */
function drain(from: WorkQueue): string[] {
  const keys: string[] = [];
  for (let item = from.take(); item !== undefined; item = from.take()) {
    keys.push(item.key);
    from.done(item.key);
  }
  return keys;
}

describe("keys", () => {
  test("are queued once, in order of arrival", () => {
    const { queue: q, observed } = queue();
    for (const key of ["a/1", "a/2", "a/1", "a/3", "a/2"]) q.add(key);
    expect(q.depth).toBe(3);
    expect(observed.added).toBe(3);
    expect(drain(q)).toEqual(["a/1", "a/2", "a/3"]);
  });

  test("added while processed are handed out again after done, not before, and once", () => {
    const { queue: q, observed } = queue();
    q.add("a/1");
    expect(q.take()?.key).toBe("a/1");
    q.add("a/1");
    q.add("a/1");
    expect(q.take()).toBeUndefined();
    q.done("a/1");
    expect(drain(q)).toEqual(["a/1"]);
    expect(observed.added).toBe(2);
  });

  test("wake the listener when they become available", () => {
    const { queue: q, clock } = queue();
    let woken = 0;
    q.onReady(() => {
      woken += 1;
    });
    q.add("a/1");
    q.addAfter("a/2", 100);
    expect(woken).toBe(1);
    clock.advance(100);
    expect(woken).toBe(2);
  });
});

describe("priority", () => {
  test("live before low; an added key keeps the higher one and its waiting time", () => {
    const { queue: q, clock, observed } = queue();
    q.add("a/resync-1", Priority.Low);
    q.add("a/resync-2", Priority.Low);
    clock.advance(50);
    q.add("a/edit");
    q.add("a/resync-2");
    q.add("a/edit", Priority.Low);
    expect(drain(q)).toEqual(["a/edit", "a/resync-2", "a/resync-1"]);
    expect(observed.queuedMs).toEqual([0, 50, 50]);
  });

  test("of a key that is being processed is kept for its next turn", () => {
    const { queue: q } = queue();
    q.add("a/1", Priority.Low);
    expect(q.take()).toEqual({ key: "a/1", priority: Priority.Low });
    q.add("a/1", Priority.Low);
    q.add("a/1", Priority.Live);
    q.done("a/1");
    expect(q.take()).toEqual({ key: "a/1", priority: Priority.Live });
  });

  test.each([
    ["while it waits in the queue", (q: WorkQueue) => q.add("a/1", Priority.Low)],
    ["while it is dirty", (q: WorkQueue) => [q.add("a/1"), q.take(), q.add("a/1", Priority.Low)]],
    ["while it is due earlier", (q: WorkQueue) => q.addAfter("a/1", 10, Priority.Low)],
  ])("is raised by a live addAfter %s", (_, prepare) => {
    const { queue: q, clock } = queue();
    prepare(q);
    q.addAfter("a/1", 200, Priority.Live);
    q.done("a/1");
    clock.advance(10);
    expect(q.take()).toEqual({ key: "a/1", priority: Priority.Live });
    clock.advance(1_000);
    q.done("a/1");
    expect(q.take()).toBeUndefined();
  });
});

describe("fairness", () => {
  test("one namespace's burst delays another's change by one item", () => {
    const { queue: q } = queue();
    for (let index = 0; index < 10_000; index++) q.add(`big/${index}`);
    q.add("small/1");
    q.add("small/2");
    expect([q.take(), q.take(), q.take(), q.take()].map((item) => item?.key)).toEqual(["big/0", "small/1", "big/1", "small/2"]);
    expect(q.depth).toBe(9_998);
  });

  test("three namespaces take turns, and cluster-scoped keys are one more group", () => {
    const { queue: q } = queue();
    for (const key of ["a/1", "a/2", "b/1", "b/2", "acme.com", "other.com"]) q.add(key);
    expect(drain(q)).toEqual(["a/1", "b/1", "acme.com", "a/2", "b/2", "other.com"]);
  });
});

describe("addAfter", () => {
  test("keeps the earliest time", () => {
    const { queue: q, clock } = queue();
    q.addAfter("a/1", 100);
    q.addAfter("a/1", 300);
    q.addAfter("a/2", 300);
    q.addAfter("a/2", 200);
    clock.advance(100);
    expect(drain(q)).toEqual(["a/1"]);
    clock.advance(100);
    expect(drain(q)).toEqual(["a/2"]);
    clock.advance(1_000);
    expect(drain(q)).toEqual([]);
  });

  test("is overtaken by add, which cancels it", () => {
    const { queue: q, clock } = queue();
    q.addAfter("a/1", 100);
    q.add("a/1");
    expect(drain(q)).toEqual(["a/1"]);
    clock.advance(1_000);
    expect(drain(q)).toEqual([]);
  });

  test("of 0 or less is add; while the key is queued it does nothing", () => {
    const { queue: q, clock } = queue();
    q.addAfter("a/1", 0);
    q.addAfter("a/2", -1);
    q.addAfter("a/1", 50);
    expect(drain(q)).toEqual(["a/1", "a/2"]);
    clock.advance(1_000);
    expect(drain(q)).toEqual([]);
  });

  test("during processing waits for its time and for done", () => {
    const { queue: q, clock } = queue();
    q.add("a/1");
    q.take();
    q.addAfter("a/1", 100);
    clock.advance(100);
    expect(q.take()).toBeUndefined();
    q.done("a/1");
    expect(drain(q)).toEqual(["a/1"]);
  });
});

test("close empties the queue, and nothing comes in or out any more", () => {
  const { queue: q, clock } = queue();
  q.add("a/1");
  q.add("a/2");
  q.take();
  q.add("a/1");
  q.addAfter("a/3", 100);
  q.close();
  q.add("a/4");
  q.addAfter("a/5", 1);
  q.done("a/1");
  clock.advance(1_000);
  expect(q.take()).toBeUndefined();
  expect(q.depth).toBe(0);
  expect(clock.armed).toBe(0);
});

test("tells how long its keys have been processed", () => {
  const { queue: q, clock } = queue();
  q.add("a/1");
  q.add("b/1");
  q.take();
  clock.advance(70);
  q.take();
  clock.advance(5);
  expect(q.processingAges()).toEqual([75, 5]);
  q.done("a/1");
  expect(q.processingAges()).toEqual([5]);
});
