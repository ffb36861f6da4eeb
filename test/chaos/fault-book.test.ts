import { describe, expect, it } from "vitest";
import { FaultBook, FaultTally } from "./fault-book.ts";
import { askedBy } from "./fault-kinds.ts";
import { SeededRandom } from "./seeded-random.ts";

const GET = askedBy("GET", "/apis/customdomains.dev/v1/namespaces/shop/customdomains/a");
const LEASE = askedBy("PUT", "/apis/coordination.k8s.io/v1/namespaces/operator/leases/operator");

function books(): { readonly tally: FaultTally; readonly first: FaultBook; readonly second: FaultBook } {
  const tally = new FaultTally();
  const [first, second] = ["a", "b"].map((victim) => new FaultBook(victim, new SeededRandom(1), tally));
  if (first === undefined || second === undefined) throw new Error("two books were made");
  return { tally, first, second };
}

describe("what is asked", () => {
  it.each([
    ["GET", "/apis/g/v1/customdomains?watch=true&resourceVersion=5", "watch customdomains"],
    ["GET", "/apis/g/v1/customdomains?watch=true&sendInitialEvents=true", "beginning customdomains"],
    ["GET", "/apis/g/v1/customdomains?limit=500", "list customdomains"],
    ["GET", "/apis/g/v1/customdomains?limit=500&continue=abc", "continuation customdomains"],
    ["GET", "/api/v1/namespaces/shop", "read namespaces"],
    ["GET", "/api/v1/namespaces/shop/secrets?watch=true", "watch secrets"],
    ["PUT", "/apis/g/v1/namespaces/shop/customdomains/a/status", "write customdomains"],
  ])("%s %s", (method, path, wanted) => {
    const { shape, resource } = askedBy(method, path);
    expect(`${shape} ${resource}`).toBe(wanted);
  });
});

describe("a rule", () => {
  it("strikes as often as it says, in all the proxies that share it together", () => {
    const { tally, first, second } = books();
    const planted = FaultBook.plantIn([first, second], { kind: "500", times: 3 });
    for (const book of [first, second, first, second]) book.draw("request", GET)?.fired();
    expect(planted.fired).toBe(3);
    expect(tally.fired.map(({ victim }) => victim)).toEqual(["a", "b", "a"]);
  });

  it("has its turn again when there was nothing to spoil", () => {
    const { tally, first } = books();
    first.plant({ kind: "truncated answer", times: 1 });
    first.draw("request", GET)?.spared();
    expect(tally.count()).toBe(0);
    first.draw("request", GET)?.fired();
    expect(first.draw("request", GET)).toBeUndefined();
    expect(tally.count("truncated answer")).toBe(1);
  });

  it("strikes only where it can and where it is wanted, and not after it was lifted", () => {
    const { tally, first } = books();
    const planted = first.plant({ kind: "500", where: ({ resource }) => resource === "leases" });
    expect([first.draw("event", GET), first.draw("connection"), first.draw("request", GET)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    first.draw("request", LEASE)?.fired();
    planted.lift();
    expect(first.draw("request", LEASE)).toBeUndefined();
    expect(tally.onLeases).toBe(1);
  });

  it("leaves the choice to the generator, whose seed repeats it", () => {
    const struck = (): string => {
      const { first } = books();
      first.plant({ kind: "503", chance: 0.5 });
      return Array.from({ length: 40 }, () => (first.draw("request", GET) === undefined ? "-" : "x")).join("");
    };
    expect(struck()).toBe(struck());
    expect(new Set(struck()).size).toBe(2);
  });
});

describe("the generator", () => {
  it("gives other numbers for another seed and another name, in the whole range", () => {
    const three = (random: SeededRandom): number[] => [random.between(0, 1e6), random.between(0, 1e6), random.between(0, 1e6)];
    expect(three(new SeededRandom(7))).toEqual(three(new SeededRandom(7)));
    expect(three(new SeededRandom(7))).not.toEqual(three(new SeededRandom(8)));
    expect(three(new SeededRandom(7).fork("user"))).not.toEqual(three(new SeededRandom(7).fork("proxies")));
    const random = new SeededRandom(7);
    expect(new Set(Array.from({ length: 200 }, () => random.between(1, 4)))).toEqual(new Set([1, 2, 3, 4]));
    expect(random.shuffled([1, 2, 3, 4, 5]).toSorted()).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("black holes", () => {
  it("are counted while they are open together", () => {
    const tally = new FaultTally();
    const lit = [tally.darkened(), tally.darkened()];
    for (const end of lit) end();
    tally.darkened();
    expect(tally.mostDark).toBe(2);
  });
});
