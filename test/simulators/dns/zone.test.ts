import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { selfAndAncestors } from "./names.ts";
import { Zone } from "./zone.ts";

const APEX = "acme.com";
const label = fc.constantFrom("a", "b", "*");
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => [...labels, APEX].join("."));
const step = fc.record({ name, type: fc.constantFrom("A" as const, "TXT" as const), present: fc.boolean() });

function emptyZone(): Zone {
  const soa = { ttl: 60, values: [`ns.${APEX} root.${APEX} 1 2 3 4 5`] };
  return new Zone(APEX, soa, { ttl: 60, values: [`ns.${APEX}`] });
}

describe("a zone", () => {
  it("has exactly the names with records and those above them, however it got there", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), name, (steps, asked) => {
        const zone = emptyZone();
        for (const { name, type, present } of steps) {
          zone.set(name, type, present ? [type === "A" ? "203.0.113.7" : "text"] : [], 60);
        }
        const owners = zone.entries().map((entry) => entry.name);
        expect(zone.exists(asked)).toBe(owners.some((owner) => selfAndAncestors(owner).includes(asked)));
        const encloser = zone.closestEncloser(asked);
        expect(zone.exists(encloser) && asked.endsWith(`.${encloser}`)).toBe(true);
        const between = selfAndAncestors(asked).slice(1);
        expect(between.slice(0, between.indexOf(encloser)).some((ancestor) => zone.exists(ancestor))).toBe(false);
      }),
    );
  });

  it("raises its serial with every change", () => {
    const zone = emptyZone();
    zone.set(`a.${APEX}`, "A", ["203.0.113.7"], 60);
    zone.set(`a.${APEX}`, "A", [], 60);
    expect(zone.soa().values).toEqual([`ns.${APEX} root.${APEX} 3 2 3 4 5`]);
  });

  it("keeps its SOA and NS records", () => {
    expect(() => emptyZone().set(APEX, "NS", [], 60)).toThrow(RangeError);
  });
});
