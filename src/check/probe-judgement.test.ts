import { describe, expect, test } from "vitest";
import { judgeRedirect } from "./probe-judgement.ts";

const SETTINGS = { path: "/debug/domain-check", httpsPort: 443 };

function redirect(location: string | undefined, status = 308, httpsPort = 443) {
  return judgeRedirect(
    "www.acme.com",
    "acme.com",
    { ...SETTINGS, httpsPort },
    { kind: "response", status, location, body: "", timings: {} },
  ).reason;
}

describe("judgeRedirect", () => {
  test("308 to the same path", () => {
    expect(redirect("https://acme.com/debug/domain-check")).toBe("Routed");
    expect(redirect("https://acme.com/debug/domain-check?n=00")).toBe("Routed");
    expect(redirect("https://acme.com:443/debug/domain-check")).toBe("Routed");
    expect(redirect("https://acme.com:8443/debug/domain-check", 308, 8443)).toBe("Routed");
  });

  test.each([
    ["plain http", "http://acme.com/debug/domain-check"],
    ["another path", "https://acme.com/"],
    ["a longer name", "https://acme.com.evil.net/debug/domain-check"],
    ["a subdomain", "https://shop.acme.com/debug/domain-check"],
    ["another port", "https://acme.com:8443/debug/domain-check"],
    ["the name as a user", "https://acme.com@evil.net/debug/domain-check"],
    ["a relative target", "/debug/domain-check"],
    ["no URL", "%%"],
    ["nothing", undefined],
  ])("to %s is not the redirect", (_, location) => {
    expect(redirect(location)).toBe("RedirectMissing");
  });

  test.each([200, 301, 302, 307])("status %d is not the redirect", (status) => {
    expect(redirect("https://acme.com/debug/domain-check", status)).toBe("RedirectMissing");
  });
});
