import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "./manual-clock.testing.ts";
import { Timers } from "./timers.ts";

type Step =
  | { readonly kind: "after"; readonly delay: number; readonly effect: "nothing" | "cancel" | "add" }
  | { readonly kind: "cancel"; readonly which: number }
  | { readonly kind: "pass"; readonly ms: number; readonly jump: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("after" as const),
      delay: fc.integer({ min: -2, max: 40 }),
      effect: fc.constantFrom("nothing" as const, "cancel" as const, "add" as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("cancel" as const), which: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 25 }), jump: fc.boolean() }),
  },
);

interface Expected {
  readonly id: number;
  readonly due: number;
  readonly effect: "nothing" | "cancel" | "add";
}

/** The same promises kept by a sorted list. */
class Model {
  waiting: Expected[] = [];
  readonly fired: number[] = [];
  time = 0;
  #ids = 0;

  after(delay: number, effect: Expected["effect"]): number {
    const id = this.#ids++;
    this.waiting.push({ id, due: this.time + Math.max(0, delay), effect });
    this.waiting.sort((a, b) => a.due - b.due || a.id - b.id);
    return id;
  }

  cancel(id: number): void {
    this.waiting = this.waiting.filter((entry) => entry.id !== id);
  }

  pass(ms: number, jump: boolean): void {
    const end = this.time + ms;
    if (jump) this.time = end;
    for (let next = this.waiting[0]; next !== undefined && next.due <= end; next = this.waiting[0]) {
      this.time = Math.max(this.time, next.due);
      this.waiting.shift();
      this.fired.push(next.id);
      // The one that was added before it; and one more, 3 ms later.
      if (next.effect === "cancel") this.cancel(next.id - 1);
      if (next.effect === "add") this.after(3, "nothing");
    }
    this.time = end;
  }
}

test("property: fires what a sorted list would, in its order, on one clock timer", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 250, size: "max" }), (steps) => {
      const clock = new ManualClock();
      const timers = new Timers(clock);
      const model = new Model();
      const cancels: (() => void)[] = [];
      const fired: number[] = [];
      const add = (delay: number, effect: Expected["effect"]): void => {
        const id = cancels.length;
        const cancel = timers.after(delay, () => {
          fired.push(id);
          if (effect === "cancel") cancels[id - 1]?.();
          if (effect === "add") add(3, "nothing");
        });
        cancels.push(cancel);
      };
      for (const next of steps) {
        if (next.kind === "after") {
          model.after(next.delay, next.effect);
          add(next.delay, next.effect);
        } else if (next.kind === "cancel") {
          const id = cancels.length === 0 ? 0 : next.which % cancels.length;
          model.cancel(id);
          cancels[id]?.();
        } else {
          model.pass(next.ms, next.jump);
          if (next.jump) clock.jump(next.ms);
          else clock.advance(next.ms);
        }
        expect(fired).toEqual(model.fired);
        expect(clock.armed).toBe(model.waiting.length === 0 ? 0 : 1);
        expect(clock.nextDue ?? 0).toBeLessThanOrEqual(model.waiting[0]?.due ?? 0);
      }
    }),
    { numRuns: 200 },
  );
});
