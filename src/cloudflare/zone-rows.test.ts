import fc from "fast-check";
import { expect, test } from "vitest";
import { inService } from "./recorded-rows.testing.ts";
import { type CustomHostname, parseRow } from "./row.ts";
import { ZoneRows } from "./zone-rows.ts";

function row(id: string, status = "active", hostname = `${id}.customer.dev`): CustomHostname {
  const parsed = parseRow({ ...inService, id, hostname, status });
  if (parsed === undefined) throw new Error("no row");
  return parsed;
}

test("only a new or different row counts as a change", () => {
  const rows = new ZoneRows();
  expect(rows.merge(row("a"), rows.tick())).toBe(true);
  expect(rows.merge(row("a"), rows.tick())).toBe(false);
  expect(rows.merge(row("a", "moved"), rows.tick())).toBe(true);
  expect(rows.withHostname("a.customer.dev").map(({ status }) => status)).toEqual(["moved"]);
});

test("an answer that was asked for earlier never replaces a later one", () => {
  const rows = new ZoneRows();
  const early = rows.tick();
  rows.merge(row("a", "moved"), rows.tick());
  expect(rows.merge(row("a", "active"), early)).toBe(false);
  expect(rows.get("a")?.status).toBe("moved");
});

test("a removed row stays away from pages that were asked for before, and may come back from later ones", () => {
  const rows = new ZoneRows();
  rows.merge(row("a"), rows.tick());
  const before = rows.tick();
  rows.remove("a");
  expect(rows.merge(row("a"), before)).toBe(false);
  expect(rows.withHostname("a.customer.dev")).toEqual([]);
  expect(rows.merge(row("a", "pending_deletion"), rows.tick())).toBe(true);
});

test("only two sweeps running without a row cast doubt on it", () => {
  const rows = new ZoneRows();
  rows.merge(row("a"), rows.tick());
  rows.merge(row("b"), rows.tick());
  const sweep = (...seen: string[]) => {
    const started = rows.tick();
    for (const id of seen) rows.merge(row(id), rows.tick());
    return rows.endSweep(started);
  };
  expect([sweep("a"), sweep("a", "b"), sweep("b"), sweep("b"), sweep("b")]).toEqual([[], [], [], ["a"], ["a"]]);
});

test("a row that was seen during a sweep by somebody else is not missed by it", () => {
  const rows = new ZoneRows();
  rows.merge(row("a"), rows.tick());
  for (let n = 0; n < 3; n += 1) {
    const started = rows.tick();
    rows.merge(row("a"), rows.tick());
    expect(rows.endSweep(started)).toEqual([]);
  }
});

test("two rows of one hostname are both shown", () => {
  const rows = new ZoneRows();
  rows.merge(row("a", "active", "x.dev"), rows.tick());
  rows.merge(row("b", "pending", "x.dev"), rows.tick());
  expect(rows.withHostname("x.dev").map(({ id }) => id)).toEqual(["a", "b"]);
  rows.remove("a");
  expect(rows.withHostname("x.dev").map(({ id }) => id)).toEqual(["b"]);
});

test("the index by hostname always agrees with the rows", () => {
  const step = fc.record({
    id: fc.constantFrom("a", "b", "c", "d"),
    host: fc.constantFrom("x", "y"),
    remove: fc.boolean(),
    stale: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const rows = new ZoneRows();
      for (const { id, host, remove, stale } of steps) {
        if (remove) rows.remove(id);
        else rows.merge(row(id, "active", `${host}-${id}.dev`), stale ? 0 : rows.tick());
      }
      const byName = ["a", "b", "c", "d"].flatMap((id) => ["x", "y"].flatMap((host) => rows.withHostname(`${host}-${id}.dev`)));
      expect(byName).toHaveLength(rows.size);
      for (const one of byName) expect(rows.get(one.id)).toBe(one);
    }),
  );
});
