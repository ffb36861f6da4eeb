import fc from "fast-check";
import { expect, test } from "vitest";
import { Fifo } from "./fifo.ts";

test("property: is an array that is pushed and shifted, whatever its length", () => {
  const steps = fc.array(
    fc.oneof(
      fc.nat({ max: 3_000 }),
      fc.nat({ max: 3_000 }).map((count) => -count),
    ),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(steps, (counts) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      let next = 0;
      for (const count of counts) {
        for (let index = 0; index < count; index += 1) {
          fifo.push(next);
          model.push(next);
          next += 1;
        }
        for (let index = 0; index < -count; index += 1) expect(fifo.shift()).toBe(model.shift());
        expect(fifo.size).toBe(model.length);
      }
      fifo.clear();
      expect([fifo.size, fifo.shift()]).toEqual([0, undefined]);
    }),
  );
});
