import fc from "fast-check";
import { expect, test } from "vitest";
import { lines } from "./watch-lines.ts";

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (let index = 0; start < bytes.length; index++) {
    const end = Math.min(bytes.length, start + (sizes[index % sizes.length] ?? 1));
    yield bytes.subarray(start, end);
    start = end;
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>, maxBytes?: number): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines(chunks, maxBytes)) all.push(line);
  return all;
}

test("property: the lines are the same however the bytes are cut, also inside a character", async () => {
  const text = fc.string({ unit: "grapheme" }).map((line) => line.replaceAll("\n", " "));
  await fc.assert(
    fc.asyncProperty(fc.array(text), fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), async (all, sizes) => {
      const bytes = Buffer.from(all.map((line) => `${line}\n`).join(""));
      expect(await collect(cut(bytes, sizes))).toEqual(all);
    }),
  );
});

test("half a line at the end is not a line", async () => {
  expect(await collect(cut(Buffer.from('{"type":"ADDED"}\n{"type":"ADD'), [5]))).toEqual(['{"type":"ADDED"}']);
});

test("a line without an end is refused before it fills the memory", async () => {
  const endless = cut(Buffer.alloc(5_000, "x"), [100]);
  await expect(collect(endless, 1_000)).rejects.toThrow("larger than 1000 bytes");
});
