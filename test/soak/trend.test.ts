import { describe, expect, it } from "vitest";
import { sampleOf } from "./process-samples.ts";
import { trendOf } from "./trend.ts";

describe("a trend", () => {
  it("is the line through points that lie on one", () => {
    const points = [0, 10, 20, 40].map((x) => ({ x, y: 100 + 0.5 * x }));
    expect(trendOf(points)).toMatchObject({ rise: 20, mean: 108.75 });
    expect(trendOf(points).scatter).toBeCloseTo(0);
  });

  it("is flat through a saw, however high its teeth", () => {
    const points = Array.from({ length: 100 }, (_, x) => ({ x, y: 1_000 + (x % 10) * 50 }));
    const { rise, scatter } = trendOf(points);
    expect(Math.abs(rise)).toBeLessThan(60);
    expect(scatter).toBeGreaterThan(100);
  });

  it("is not made of two points", () => {
    expect(() =>
      trendOf([
        { x: 0, y: 1 },
        { x: 1, y: 2 },
      ]),
    ).toThrow("2 samples make no trend");
  });
});

describe("a sample", () => {
  it("tells what a process holds", async () => {
    const sample = await sampleOf(process.pid, 5);
    expect(sample).toMatchObject({ pid: process.pid, at: 5 });
    expect(sample?.rssBytes).toBeGreaterThan(10_000_000);
    expect(sample?.handles).toBeGreaterThan(2);
  });

  it("is missing for a process that has ended", async () => {
    expect(await sampleOf(2 ** 30, 0)).toBeUndefined();
  });
});
