import { describe, expect, test } from "vitest";
import { canonicalName, type NamePolicy } from "./hostname.ts";

const POLICY: NamePolicy = {
  platformDomains: [],
  reservedDomains: [],
  allowedDomains: [],
  foldWww: true,
  refuseExampleDomains: true,
};

function outcome(typed: string, policy = POLICY): string {
  const result = canonicalName(typed, policy);
  return result.ok ? result.name : result.code;
}

/** [typed, canonical name or error code, part of the sentence] */
const TABLE: readonly (readonly [string, string, string?])[] = [
  ["pаypal.com", "HOMOGRAPH", "mixes alphabets"],
  ["аррӏе.com", "HOMOGRAPH", "looks like a word in Latin letters"],
  ["xn--80ak6aa92e.com", "HOMOGRAPH", "xn--80ak6aa92e.com"],
  ["shop.аррӏе.com", "HOMOGRAPH", "аррӏе"],
  ["ᏢᎪᎩ.com", "HOMOGRAPH", "mixes alphabets"],
  ["привет.com", "xn--b1agh1afp.com"],
  ["сһаѕе.com", "HOMOGRAPH", "looks like a word in Latin letters"],
  ["асе.com", "HOMOGRAPH", "looks like a word in Latin letters"],
  ["сосо.com", "HOMOGRAPH", "looks like a word in Latin letters"],
  ["ѵк.com", "HOMOGRAPH", "looks like a word in Latin letters"],
  ["ѕкуре.com", "HOMOGRAPH", "looks like a word in Latin letters"],
  ["со́со.com", "HOMOGRAPH", "looks like a word in Latin letters"],
  ["սոօ.com", "HOMOGRAPH", "looks like a word in Latin letters"],
  ["рік.com", "HOMOGRAPH", "looks like a word in Latin letters"],
  ["рік.ua", "xn--j1al0e.ua"],
  ["нет.com", "xn--e1apq.com"],
  ["кот.com", "xn--j1aim.com"],
  ["курс.com", "xn--j1amdg.com"],
  ["ɡoogle.com", "HOMOGRAPH", "has 'ɡ'"],
  ["ɑpple.com", "HOMOGRAPH", "has 'ɑ'"],
  ["ᴘaypal.com", "HOMOGRAPH", "has 'ᴘ'"],
  ["pay\u0338pal.com", "HOMOGRAPH", "easily taken for another letter"],
  ["tıktok.com", "HOMOGRAPH", "taken for 'i'"],
  ["i\u0307stanbul.com", "HOMOGRAPH", "easily taken"],
  ["ısı.com.tr", "xn--s-ekab.com.tr"],
  ["łódź.pl", "xn--d-uga0v4h.pl"],
  ["việt.vn", "xn--vit-5kz.vn"],
  ["ọ̀yọ́.ng", "xn--y-ubbe575zca.ng"],
  ["əli.az", "xn--li-tfb.az"],
  ["acme.comノlogin.jp", "HOMOGRAPH", "has 'ノ'"],
  ["aーb.com", "HOMOGRAPH", "has 'ー'"],
  ["a一b.cn", "HOMOGRAPH", "has '一'"],
  ["カーb.jp", "xn--b-weuxl.jp"],
  ["一.com", "xn--4gq.com"],
  ["ジョン・スミス.jp", "xn--yckca5mnb7duc.jp"],
  ["l·l.cat", "xn--ll-0ea.cat"],
  ["a·b.cat", "HOMOGRAPH", "has '·'"],
];

describe("names that could be mistaken for others", () => {
  test.each(TABLE.map(([typed, expected, sentence = ""]) => [typed, expected, sentence] as const))(
    "%j → %s",
    (typed, expected, sentence) => {
      const result = canonicalName(typed, POLICY);
      expect(outcome(typed)).toBe(expected);
      expect(result.ok ? "" : result.message).toContain(sentence);
    },
  );

  test("a list of names that an admin allows is the recourse for one that could be mistaken", () => {
    const policy = { ...POLICY, allowedDomains: ["xn--n1aahb.com", "ѵк.com"] };
    expect(outcome("сосо.com", policy)).toBe("xn--n1aahb.com");
    expect(outcome("shop.ѵк.com", policy)).toBe("shop.xn--j1a1j.com");
  });
});
