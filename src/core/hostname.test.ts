import fc from "fast-check";
import { toASCII } from "tr46";
import { describe, expect, test } from "vitest";
import { type CanonicalName, canonicalName, type NamePolicy, registrableDomainOf } from "./hostname.ts";
import { MAX_NAME_LENGTH } from "./hostname-spelling.ts";

const POLICY: NamePolicy = {
  platformDomains: ["saas-platform.net"],
  reservedDomains: ["paypal.com", "bücher-bank.de"],
  allowedDomains: [],
  foldWww: true,
  refuseExampleDomains: true,
};

function outcome(result: CanonicalName): string {
  return result.ok ? result.name : result.code;
}

const long = (length: number) => `${`${"a".repeat(60)}.`.repeat(5).slice(0, length - 5)}a.com`;

/** [typed, canonical name or error code, part of the sentence] */
const TABLE: readonly (readonly [string, string, string?])[] = [
  ["acme.com", "acme.com"],
  ["Acme.COM", "acme.com"],
  ["  shop.acme.com \n", "shop.acme.com"],
  ["\u00a0shop.acme.com\u3000", "shop.acme.com"],
  ["shop.acme.com.", "shop.acme.com"],
  ["shop。acme．com｡", "shop.acme.com"],
  ["ａｃｍｅ.com", "acme.com"],
  ["a-b--c.acme.com", "a-b--c.acme.com"],
  ["9gag.com", "9gag.com"],
  ["3.acme.com", "3.acme.com"],
  ["1.2.3.4.acme.com", "1.2.3.4.acme.com"],
  ["www.acme.com", "acme.com"],
  ["WWW.Acme.com.", "acme.com"],
  ["www.acme.co.uk", "acme.co.uk"],
  ["www.co.uk", "www.co.uk"],
  ["www.github.io", "www.github.io"],
  ["www.acme.github.io", "acme.github.io"],
  ["www.www.acme.com", "www.www.acme.com"],
  ["www.www.co.uk", "www.www.co.uk"],
  ["www.www.github.io", "www.www.github.io"],
  ["www.shop.acme.com", "www.shop.acme.com"],
  ["wwww.acme.com", "wwww.acme.com"],
  ["www.city.kawasaki.jp", "city.kawasaki.jp"],
  ["www.com", "www.com"],
  ["bücher.de", "xn--bcher-kva.de"],
  ["BÜCHER.de", "xn--bcher-kva.de"],
  ["bu\u0308cher.de", "xn--bcher-kva.de"],
  ["xn--bcher-kva.de", "xn--bcher-kva.de"],
  ["XN--BCHER-KVA.de", "xn--bcher-kva.de"],
  ["www.bücher.de", "xn--bcher-kva.de"],
  ["faß.de", "xn--fa-hia.de"],
  ["пример.рф", "xn--e1afmkfd.xn--p1ai"],
  ["例え.jp", "xn--r8jz45g.jp"],
  ["日本語カナかなabc.jp", "xn--abc-k73b9fnphh3141bdocu19k.jp"],
  ["ελλάδα.gr", "xn--hxakic4aa.gr"],
  ["한국.kr", "xn--3e0b707e.kr"],
  ["shop.公司.cn", "shop.xn--55qx5d.cn"],
  [long(MAX_NAME_LENGTH), long(MAX_NAME_LENGTH)],
  [`${"a".repeat(63)}.com`, `${"a".repeat(63)}.com`],
  ["", "INVALID_DOMAIN", "empty"],
  ["   ", "INVALID_DOMAIN", "empty"],
  [".", "INVALID_DOMAIN", "empty part"],
  ["acme", "INVALID_DOMAIN", "only one part"],
  ["localhost", "INVALID_DOMAIN", "only one part"],
  ["acme..com", "INVALID_DOMAIN", "empty part"],
  ["acme.com..", "INVALID_DOMAIN", "empty part"],
  [".acme.com", "INVALID_DOMAIN", "empty part"],
  ["https://acme.com", "INVALID_DOMAIN", "URL"],
  ["acme.com/path", "INVALID_DOMAIN", "path"],
  ["acme.com\\path", "INVALID_DOMAIN", "path"],
  ["acme.com?x", "INVALID_DOMAIN", "query"],
  ["acme.com#x", "INVALID_DOMAIN", "fragment"],
  ["acme.com:443", "INVALID_DOMAIN", "port"],
  ["me@acme.com", "INVALID_DOMAIN", "e-mail"],
  ["%41cme.com", "INVALID_DOMAIN", "'%'"],
  ["*.acme.com", "INVALID_DOMAIN", "wildcards"],
  ["_dmarc.acme.com", "INVALID_DOMAIN", "'_'"],
  ["ac me.com", "INVALID_DOMAIN", "space"],
  ["ac\tme.com", "INVALID_DOMAIN", "control characters"],
  ["ac\u0000me.com", "INVALID_DOMAIN", "control characters"],
  ["ac\u200bme.com", "INVALID_DOMAIN", "invisible"],
  ["ac\u00adme.com", "INVALID_DOMAIN", "invisible"],
  ["ac\u200dme.com", "INVALID_DOMAIN", "invisible"],
  ["\ufeffacme.com", "INVALID_DOMAIN", "invisible"],
  ["acme\u202e.com", "INVALID_DOMAIN", "invisible"],
  ["acme\ufe0f.com", "INVALID_DOMAIN", "invisible"],
  ["acme.com／path", "INVALID_DOMAIN", "'／'"],
  ["℀.com", "INVALID_DOMAIN", "'℀'"],
  ["ac!me.com", "INVALID_DOMAIN", "'!'"],
  ["ac,me.com", "INVALID_DOMAIN", "','"],
  ["'acme.com'", "INVALID_DOMAIN", "'''"],
  ["-acme.com", "INVALID_DOMAIN", "begins or ends with '-'"],
  ["acme-.com", "INVALID_DOMAIN", "begins or ends with '-'"],
  [`${"a".repeat(64)}.com`, "INVALID_DOMAIN", "63"],
  [long(MAX_NAME_LENGTH + 1), "INVALID_DOMAIN", "at most 228"],
  ["a.".repeat(600), "INVALID_DOMAIN", "far too long"],
  ["xn--a.com", "INVALID_DOMAIN", "Punycode"],
  ["xn--zz.com", "INVALID_DOMAIN", "Punycode"],
  ["xn--acme-.com", "INVALID_DOMAIN", "Punycode"],
  ["xn--.com", "INVALID_DOMAIN", "Punycode"],
  ["\u05d0a.com", "INVALID_DOMAIN", ""],
  ["acme.zzzz", "INVALID_DOMAIN", "top-level domain"],
  ["acme.con", "INVALID_DOMAIN", "top-level domain"],
  ["a∕b.com", "INVALID_DOMAIN", "'∕'"],
  ["a⁄b.com", "INVALID_DOMAIN", "'⁄'"],
  ["❤.com", "INVALID_DOMAIN", "'❤'"],
  ["127.0.0.1", "IP_ADDRESS", "IP address"],
  ["127.1", "IP_ADDRESS"],
  ["2130706433", "IP_ADDRESS"],
  ["0x7f000001", "IP_ADDRESS"],
  ["0x7f.1", "IP_ADDRESS"],
  ["010.0.0.1", "IP_ADDRESS"],
  ["１２７.0.0.1", "IP_ADDRESS"],
  ["127。0。0。1", "IP_ADDRESS"],
  ["::1", "IP_ADDRESS"],
  ["[::1]", "IP_ADDRESS"],
  ["::ffff:127.0.0.1", "IP_ADDRESS"],
  ["fe80::1%eth0", "IP_ADDRESS"],
  ["foo.123", "IP_ADDRESS"],
  ["foo.0x1f", "IP_ADDRESS"],
  ["com", "PUBLIC_SUFFIX", "many parties"],
  ["co.uk", "PUBLIC_SUFFIX"],
  ["github.io", "PUBLIC_SUFFIX"],
  ["foo.kawasaki.jp", "PUBLIC_SUFFIX"],
  ["公司.cn", "PUBLIC_SUFFIX"],
  ["acme.test", "RESERVED_DOMAIN", ".test"],
  ["acme.internal", "RESERVED_DOMAIN", ".internal"],
  ["acme.default.svc.cluster.local", "RESERVED_DOMAIN", ".local"],
  ["acme.onion", "RESERVED_DOMAIN", ".onion"],
  ["shop.home.arpa", "RESERVED_DOMAIN", ".arpa"],
  ["a.localhost", "RESERVED_DOMAIN", ".localhost"],
  ["track.example.com", "RESERVED_DOMAIN", "documentation"],
  ["example.org", "RESERVED_DOMAIN", "documentation"],
  ["saas-platform.net", "RESERVED_DOMAIN", "belongs to this platform"],
  ["www.saas-platform.net", "RESERVED_DOMAIN", "belongs to this platform"],
  ["edge.saas-platform.net", "RESERVED_DOMAIN", "belongs to this platform"],
  ["notsaas-platform.net", "notsaas-platform.net"],
  ["login.paypal.com", "RESERVED_DOMAIN", "reserved"],
  ["xn--bcher-bank-9db.de", "RESERVED_DOMAIN", "reserved"],
];

describe("canonicalName", () => {
  test.each(TABLE.map(([typed, expected, sentence = ""]) => [typed, expected, sentence] as const))(
    "%j → %s",
    (typed, expected, sentence) => {
      const result = canonicalName(typed, POLICY);
      expect(outcome(result)).toBe(expected);
      expect(result.ok ? "" : result.message).toContain(sentence);
    },
  );

  test("tells the facts of a name", () => {
    expect(canonicalName("www.Bücher.de", POLICY)).toEqual({
      ok: true,
      name: "xn--bcher-kva.de",
      unicode: "bücher.de",
      registrableDomain: "xn--bcher-kva.de",
      isApex: true,
      wwwTwin: "www.xn--bcher-kva.de",
    });
    expect(canonicalName("a.shop.acme.co.uk", POLICY)).toEqual({
      ok: true,
      name: "a.shop.acme.co.uk",
      unicode: "a.shop.acme.co.uk",
      registrableDomain: "acme.co.uk",
      isApex: false,
      wwwTwin: undefined,
    });
  });

  test("without folding, www.<apex> is a name of its own and no apex takes its www along", () => {
    const policy = { ...POLICY, foldWww: false };
    expect(canonicalName("www.acme.com", policy)).toMatchObject({ name: "www.acme.com", isApex: false, wwwTwin: undefined });
    expect(canonicalName("acme.com", policy)).toMatchObject({ name: "acme.com", isApex: true, wwwTwin: undefined });
  });

  test("an allow list restricts, and admits suffixes that the public does not know", () => {
    const policy = { ...POLICY, allowedDomains: ["acme.com", "corp.internal"] };
    expect(outcome(canonicalName("shop.acme.com", policy))).toBe("shop.acme.com");
    expect(outcome(canonicalName("shop.corp.internal", policy))).toBe("shop.corp.internal");
    expect(outcome(canonicalName("other.internal", policy))).toBe("RESERVED_DOMAIN");
    expect(outcome(canonicalName("login.victim.net", policy))).toBe("RESERVED_DOMAIN");
  });

  test.each([
    ["other.dev", { allowedDomains: ["acme.com"] }, "DomainNotAllowed"],
    ["login.paypal.com", {}, "InvalidDomain"],
    [long(MAX_NAME_LENGTH + 1), {}, "NameTooLong"],
    [`${"a".repeat(64)}.com`, {}, "NameTooLong"],
    [`${"a.".repeat(200)}com`, {}, "NameTooLong"],
    ["a.".repeat(600), {}, "NameTooLong"],
  ])("%j is told with a reason of its own", (typed, changes, reason) => {
    expect(canonicalName(typed, { ...POLICY, ...changes })).toMatchObject({ ok: false, reason });
  });

  test("an allowed www name does not admit its apex by folding", () => {
    expect(outcome(canonicalName("www.acme.com", { ...POLICY, allowedDomains: ["www.acme.com"] }))).toBe("RESERVED_DOMAIN");
  });

  test("a reserved www twin is not taken along", () => {
    expect(canonicalName("acme.com", { ...POLICY, reservedDomains: ["www.acme.com"] })).toMatchObject({ wwwTwin: undefined });
  });

  test("example.com is an ordinary name where the provider takes it", () => {
    expect(outcome(canonicalName("track.example.com", { ...POLICY, refuseExampleDomains: false }))).toBe("track.example.com");
  });
});

const label = fc.oneof(
  fc.stringMatching(/^[a-zA-Z0-9-]{1,12}$/),
  fc.constantFrom("www", "WWW", "bücher", "例え", "пример", "co", "github", "xn--bcher-kva"),
  fc.string({ minLength: 1, maxLength: 6, unit: "grapheme" }),
);
const typedName = fc
  .tuple(fc.array(label, { maxLength: 4 }), fc.constantFrom("com", "co.uk", "github.io", "de", "рф", "test", "公司.cn"))
  .map(([labels, suffix]) => [...labels, suffix].join("."));

describe("properties", () => {
  test("what comes out goes in again unchanged", () => {
    fc.assert(
      fc.property(fc.oneof(typedName, fc.string()), fc.boolean(), (typed, foldWww) => {
        const policy = { ...POLICY, foldWww };
        const first = canonicalName(typed, policy);
        if (first.ok) expect(canonicalName(first.name, policy)).toEqual(first);
        else expect(first.message).not.toBe("");
      }),
      { numRuns: 2000 },
    );
  });

  test("the result is a bounded A-label name of at least two labels with a registrable domain", () => {
    fc.assert(
      fc.property(typedName, (typed) => {
        const result = canonicalName(typed, POLICY);
        fc.pre(result.ok);
        expect(result.name).toMatch(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        expect(result.name.length).toBeLessThanOrEqual(MAX_NAME_LENGTH);
        expect(registrableDomainOf(result.name)).toBe(result.registrableDomain);
      }),
    );
  });

  test("folding never widens: only a leading www of a registrable domain can go", () => {
    fc.assert(
      fc.property(typedName, (typed) => {
        const result = canonicalName(typed, POLICY);
        fc.pre(result.ok);
        // Space around the name is trimmed, as requirement T6 says; it is no part of it.
        const mapped = toASCII(typed.trim());
        expect([mapped, mapped === null ? undefined : `${mapped}.`]).toContain(
          result.isApex && mapped?.startsWith("www.") && result.name !== mapped ? `www.${result.name}` : result.name,
        );
      }),
      { examples: [[" 0.com"]] },
    );
  });
});
