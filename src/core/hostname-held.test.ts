import { describe, expect, test } from "vitest";
import { heldName, mayStandFor, possibleNamesOf } from "./hostname.ts";

describe("a name that is held", () => {
  test.each([
    ["acme.com", "acme.com"],
    ["shop.acme.com", "acme.com"],
    // What pipeline and lists of today refuse: a look-alike, a public suffix, a suffix that nobody knows any more, a name too long.
    ["xn--n1aahb.com", "xn--n1aahb.com"],
    ["github.io", "github.io"],
    ["co.uk", "co.uk"],
    ["shop.corp.test", "corp.test"],
    ["xn--a.com", "xn--a.com"],
  ])("%s has its facts whatever lists and rules say since", (name, registrableDomain) => {
    expect(heldName(name)).toMatchObject({ name, registrableDomain, isApex: name === registrableDomain, wwwTwin: undefined });
  });

  test.each([
    ["Acme.com ", "acme.com", true],
    ["www.acme.com", "acme.com", true],
    ["www.shop.acme.com", "shop.acme.com", true],
    ["сосо.com", "xn--n1aahb.com", true],
    ["acme.com", "www.acme.com", false],
    ["shop.acme.com", "acme.com", false],
    ["a_b.acme.com", "a_b.acme.com", false],
  ])("%j may stand for %s: %s", (typed, name, may) => {
    expect(mayStandFor(typed, name)).toBe(may);
  });

  test("every name that it may become is found, whatever it may be mistaken for", () => {
    expect(possibleNamesOf("WWW.сосо.com")).toEqual(["www.xn--n1aahb.com", "xn--n1aahb.com"]);
    expect(possibleNamesOf("www.shop.acme.com")).toEqual(["www.shop.acme.com"]);
    expect(possibleNamesOf("10.0.0.1")).toEqual([]);
  });
});
