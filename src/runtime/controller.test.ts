import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { controller, gate, type Reconcile, settle } from "./controller.testing.ts";
import { TerminalError, TryAgain } from "./controller.ts";
import { Priority } from "./work-queue.ts";

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

describe("workers", () => {
  test("never have one key twice, and no more keys than allowed", async () => {
    const { reconcile, running, open } = gate();
    const { controller: c, value } = controller(reconcile, { maxConcurrent: 2 });
    for (const key of ["a/1", "a/2", "a/3"]) c.queue.add(key);
    await settle();
    expect(running).toEqual([]);
    c.start();
    await settle();
    expect(running).toEqual(["a/1", "a/2"]);
    expect(await value("controller_runtime_active_workers")).toBe(2);
    expect(await value("workqueue_depth")).toBe(1);
    c.queue.add("a/1");
    await settle();
    expect(running).toEqual(["a/1", "a/2"]);
    open();
    await settle();
    expect(running).toEqual(["a/2", "a/3"]);
    open();
    open();
    await settle();
    expect(running).toEqual(["a/1"]);
    open();
    await settle();
    expect(await value("controller_runtime_active_workers")).toBe(0);
  });

  test("begin in a turn of their own, so that whoever adds a key is done with what it was doing", async () => {
    const order: string[] = [];
    const { controller: c } = controller(async (key) => {
      order.push(`reconcile ${key}`);
      return {};
    });
    c.start();
    c.queue.add("a/1");
    order.push("added");
    await settle();
    expect(order).toEqual(["added", "reconcile a/1"]);
  });
});

describe("a result", () => {
  test("with requeueAfter comes again then, at low priority; without, not", async () => {
    const seen: string[] = [];
    const {
      controller: c,
      clock,
      value,
    } = controller(
      async (key) => {
        seen.push(key);
        return key === "a/again" && seen.length === 2 ? { requeueAfterMs: 60_000 } : {};
      },
      { maxConcurrent: 1 },
    );
    c.start();
    c.queue.add("a/once");
    c.queue.add("a/again");
    await settle();
    clock.advance(59_999);
    await settle();
    expect(seen).toEqual(["a/once", "a/again"]);
    c.queue.onReady(() => {});
    clock.advance(1);
    expect(c.queue.take()).toEqual({ key: "a/again", priority: Priority.Low });
    expect(await value("controller_runtime_reconcile_total", { result: "success" })).toBe(1);
    expect(await value("controller_runtime_reconcile_total", { result: "requeue_after" })).toBe(1);
  });

  test("of an error comes again after 1 s, 2 s, 4 s, and after a success 1 s again; each key by itself", async () => {
    let fail = true;
    let calls = 0;
    const {
      controller: c,
      clock,
      log,
      value,
    } = controller(async () => {
      calls += 1;
      if (fail) throw new Error("the provider is down");
      return {};
    });
    c.start();
    c.queue.add("a/1");
    await settle();
    for (const [wait, after] of [
      [1_000, 2],
      [2_000, 3],
      [4_000, 4],
    ] as const) {
      clock.advance(wait - 1);
      await settle();
      expect(calls).toBe(after - 1);
      clock.advance(1);
      await settle();
      expect(calls).toBe(after);
    }
    c.queue.add("b/1");
    await settle();
    expect(log.filter(({ key }) => key === "b/1").map(({ retryMs }) => retryMs)).toEqual([1_000]);
    fail = false;
    clock.advance(8_000);
    await settle();
    fail = true;
    c.queue.add("a/1");
    await settle();
    expect(log.at(-1)).toMatchObject({ level: "error", key: "a/1", retryMs: 1_000, err: { message: "the provider is down" } });
    expect(await value("controller_runtime_reconcile_total", { result: "error" })).toBe(6);
    expect(await value("controller_runtime_reconcile_errors_total")).toBe(6);
    expect(await value("workqueue_retries_total")).toBe(6);
    expect(rejections).toEqual([]);
  });

  test("TryAgain comes again soon, and is no error", async () => {
    let calls = 0;
    const {
      controller: c,
      clock,
      log,
      value,
    } = controller(async () => {
      calls += 1;
      if (calls < 3) throw new TryAgain("somebody wrote in between");
      return {};
    });
    c.start();
    c.queue.add("a/1");
    await settle();
    clock.advance(200);
    await settle();
    clock.advance(200);
    await settle();
    expect(calls).toBe(3);
    expect(await value("controller_runtime_reconcile_total", { result: "requeue" })).toBe(2);
    expect(await value("controller_runtime_reconcile_errors_total")).toBe(0);
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("TerminalError does not come again by itself, and is counted on its own", async () => {
    let calls = 0;
    const {
      controller: c,
      clock,
      log,
      value,
    } = controller(async () => {
      calls += 1;
      throw new TerminalError("only an edit helps");
    });
    c.start();
    c.queue.add("a/1");
    await settle();
    clock.advance(3_600_000);
    await settle();
    expect(calls).toBe(1);
    expect(await value("controller_runtime_terminal_reconcile_errors_total")).toBe(1);
    expect(await value("controller_runtime_reconcile_errors_total")).toBe(1);
    expect(log.at(-1)).toMatchObject({ level: "error", key: "a/1", message: "reconcile failed for good" });
    c.queue.add("a/1");
    await settle();
    expect(calls).toBe(2);
  });

  test("a bug of ours is counted as a panic and retried; a network error that looks like one is not", async () => {
    const errors = [new TypeError("x is undefined"), new TypeError("fetch failed", { cause: new Error("reset") })];
    const { controller: c, value } = controller(async () => {
      throw errors.shift() ?? new Error("no more");
    });
    c.start();
    for (const key of ["a/1", "a/2", "a/3"]) c.queue.add(key);
    await settle();
    expect(await value("controller_runtime_reconcile_panics_total")).toBe(1);
    expect(await value("workqueue_retries_total")).toBe(3);
  });

  test.each([
    [
      "a synchronous throw",
      () => {
        throw new Error("at once");
      },
    ],
    ["something that is no Error", () => Promise.reject("a string")],
    ["a delay that is no number", async () => ({ requeueAfterMs: Number.NaN })],
  ])("that is %s is retried and rejects nothing unhandled", async (_, reconcile: Reconcile) => {
    let calls = 0;
    const { controller: c, clock } = controller((key, signal) => {
      calls += 1;
      return reconcile(key, signal);
    });
    c.start();
    c.queue.add("a/1");
    await settle();
    clock.advance(1_000);
    await settle();
    expect(calls).toBe(2);
    expect(rejections).toEqual([]);
    await c.stop(0);
  });
});

describe("the source", () => {
  test("is settled before each reconcile of a key; where it cannot be, nothing is decided and the key comes again", async () => {
    const order: string[] = [];
    let broken = true;
    const { controller: c, clock } = controller(
      async (key) => {
        order.push(`reconcile ${key}`);
        return {};
      },
      {
        source: {
          settle: async (key) => {
            order.push(`settle ${key}`);
            if (broken) throw new Error("no answer");
          },
        },
      },
    );
    c.start();
    c.queue.add("a/1");
    await settle();
    expect(order).toEqual(["settle a/1"]);
    broken = false;
    clock.advance(1_000);
    await settle();
    expect(order).toEqual(["settle a/1", "settle a/1", "reconcile a/1"]);
  });

  test("has every key looked at again within eleven hours, after what is new, and over and over", async () => {
    const seen: string[] = [];
    const { reconcile, open } = gate();
    const { controller: c, clock } = controller(
      (key, signal) => {
        seen.push(key);
        return reconcile(key, signal);
      },
      { maxConcurrent: 1, source: { keys: () => ["a/1", "a/2"] } },
    );
    c.start();
    c.queue.add("b/busy");
    await settle();
    clock.advance(9 * 3_600_000 - 1);
    expect(c.queue.depth).toBe(0);
    clock.advance(2 * 3_600_000);
    expect(c.queue.depth).toBe(2);
    c.queue.add("b/new");
    for (let round = 0; round < 4; round += 1) {
      open();
      await settle();
    }
    expect(seen).toEqual(["b/busy", "b/new", "a/1", "a/2"]);
    clock.advance(11 * 3_600_000);
    await settle();
    open();
    await settle();
    expect(seen.slice(4)).toEqual(["a/1", "a/2"]);
    open();
    await c.stop(1_000);
    clock.advance(30 * 3_600_000);
    expect(c.queue.depth).toBe(0);
  });
});

test("a reconcile past its deadline is aborted, counted and retried", async () => {
  let calls = 0;
  const {
    controller: c,
    clock,
    value,
  } = controller(
    (_, signal) =>
      new Promise((resolve, reject) => {
        calls += 1;
        if (calls > 1) resolve({});
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
    { timeoutMs: 20 },
  );
  c.start();
  c.queue.add("a/1");
  await waitUntil("the deadline", async () => (await value("controller_runtime_reconcile_timeouts_total")) === 1, {
    timeoutMs: 5_000,
    intervalMs: 5,
  });
  clock.advance(1_000);
  await settle();
  expect(calls).toBe(2);
});

test("the deadline ends with its reconcile: nothing is aborted afterwards", async () => {
  let kept: AbortSignal | undefined;
  const { controller: c } = controller(
    async (_, signal) => {
      kept = signal;
      return {};
    },
    { timeoutMs: 20 },
  );
  c.start();
  c.queue.add("a/1");
  await sleep(60);
  expect(kept?.aborted).toBe(false);
});

test("every label of every metric is there from the start", async () => {
  const { value } = controller(async () => ({}), { maxConcurrent: 7 });
  for (const result of ["success", "error", "requeue", "requeue_after"]) {
    expect(await value("controller_runtime_reconcile_total", { controller: "probe", result })).toBe(0);
  }
  expect(await value("controller_runtime_max_concurrent_reconciles")).toBe(7);
  for (const kind of ["reconcile_timeouts", "terminal_reconcile_errors", "reconcile_panics"])
    expect(await value(`controller_runtime_${kind}_total`)).toBe(0);
  expect(await value("workqueue_longest_running_processor_seconds")).toBe(0);
});
