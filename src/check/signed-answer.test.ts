import { describe, expect, test } from "vitest";
import { signResponse } from "../../test/simulators/edge/signed-response.ts";
import { verifySignedAnswer } from "./signed-answer.ts";

const KEY = Buffer.from("a signing key of the tests");
const NONCE = "00112233445566778899aabbccddeeff";
const EXPECTED = { key: KEY, host: "shop.acme.com", domainID: "6f1c2a34", nonce: NONCE, now: 1_800_000_000_500 };
const INPUT = { host: "shop.acme.com", domainID: "6f1c2a34", nonce: NONCE, issuedAt: 1_800_000_000 };

const answer = (more: Partial<typeof INPUT> = {}, key = KEY) => signResponse(key, { ...INPUT, ...more });
const verdict = (body: unknown) => verifySignedAnswer(typeof body === "string" ? body : JSON.stringify(body), EXPECTED);

describe("verifySignedAnswer", () => {
  test("the documented signature", () => {
    // printf '1|shop.acme.com|6f1c2a34|00112233445566778899aabbccddeeff|1800000000' | openssl dgst -sha256 -hmac 'a signing key of the tests'
    expect(answer().sig).toBe("384497ab5151213dd3a803261a116c9ec0581856b10332e82756043ed0b7cbe9");
    expect(verdict(answer())).toBe("Genuine");
  });

  test("an origin need not know the id of the domain", () => {
    expect(verdict(answer({ domainID: "" }))).toBe("Genuine");
    expect(verdict(answer({ domainID: "another" }))).toBe("OtherDomain");
  });

  test.each([
    [-60, "Genuine"],
    [60, "Genuine"],
    [-61, "WrongTime"],
    [61, "WrongTime"],
    [-3600, "WrongTime"],
  ] as const)("issued %d s from now is %s", (difference, expected) => {
    expect(
      verifySignedAnswer(JSON.stringify(answer({ issuedAt: 1_800_000_000 + difference })), {
        ...EXPECTED,
        now: 1_800_000_000_000,
      }),
    ).toBe(expected);
  });

  test("rightly signed, but for something else", () => {
    expect(verdict(answer({ host: "shop.other.com" }))).toBe("OtherHost");
    expect(verdict(answer({ nonce: "f".repeat(32) }))).toBe("OtherNonce");
  });

  test("changed after it was signed, or signed with another key", () => {
    expect(verdict({ ...answer({ host: "shop.other.com" }), host: "shop.acme.com" })).toBe("WrongSignature");
    expect(verdict(answer({}, Buffer.from("another key")))).toBe("WrongSignature");
    expect(verdict({ ...answer(), sig: "0".repeat(64) })).toBe("WrongSignature");
  });

  test.each([
    ["nothing", ""],
    ["a page", "<h1>Welcome</h1>"],
    ["null", "null"],
    ["a list", "[]"],
    ["another version", { ...answer(), v: 2 }],
    ["a signature in capitals", { ...answer(), sig: answer().sig.toUpperCase() }],
    ["a short signature", { ...answer(), sig: "00" }],
    ["a time with fractions", { ...answer(), iat: 1.5 }],
    ["no nonce", { ...answer(), nonce: undefined }],
  ])("%s is no signed answer", (_, body) => {
    expect(verdict(body)).toBe("NotSigned");
  });
});
