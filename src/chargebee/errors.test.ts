import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChargebeeError, errorFromAnswer, errorFromTransport } from "./errors.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");

function of(status: number, body: unknown, retryAfter?: string): ChargebeeError {
  return errorFromAnswer(status, retryAfter, typeof body === "string" ? body : JSON.stringify(body), NOW);
}

describe("what an answer means", () => {
  const invalid = { message: "x", type: "invalid_request" };
  const failed = { message: "x", type: "operation_failed" };
  test.each([
    ["no type at all", 401, { message: "x", api_error_code: "api_authentication_failed" }, "credentials"],
    ["a key without the privilege", 403, { ...invalid, api_error_code: "api_authorization_failed" }, "credentials"],
    ["a blocked site", 403, { ...failed, api_error_code: "request_blocked" }, "credentials"],
    ["a wrong site", 404, { message: "x", api_error_code: "site_not_found" }, "credentials"],
    ["an unknown subscription", 404, { ...invalid, api_error_code: "resource_not_found", param: "subscription_id" }, "not-found"],
    [
      "no code at all",
      400,
      { message: "The plan's billing period and addon's billing period are incompatible.", type: "invalid_request" },
      "rejected",
    ],
    ["a declined card", 400, { message: "x", type: "payment", api_error_code: "payment_processing_failed" }, "payment"],
    ["a missing card, type left out", 400, { message: "x", api_error_code: "payment_method_not_present" }, "payment"],
    ["a type of the future", 400, { type: "future_error_type", message: "x" }, "rejected"],
    ["a wrong state", 409, { ...invalid, api_error_code: "invalid_state_for_request" }, "invalid-state"],
    ["an operation's own state code", 409, { ...invalid, api_error_code: "invalid_state_for_pause" }, "invalid-state"],
    ["a reused key", 422, { ...invalid, api_error_code: "unable_to_process_request" }, "key-conflict"],
    ["the request limit", 429, { ...failed, api_error_code: "api_request_limit_exceeded" }, "rate-limited"],
    ["a locked subscription", 429, { ...failed, api_error_code: "lock_timeout" }, "locked"],
    ["a throttled gateway", 429, { ...failed, api_error_code: "third_party_api_request_limit_exceeded" }, "locked"],
    ["an internal error", 500, { ...failed, api_error_code: "internal_error" }, "unavailable"],
    ["maintenance", 503, { ...failed, api_error_code: "site_read_only_mode" }, "unavailable"],
    ["a redirect", 302, "", "unavailable"],
    ["an HTML 404: says nothing about the subscription", 404, "<html>not found</html>", "unavailable"],
    ["an HTML 502", 502, "<html>bad gateway</html>", "unavailable"],
    ["an HTML 429", 429, "<html>slow down</html>", "rate-limited"],
    ["JSON that is not an object", 404, "[]", "unavailable"],
  ])("%s", (_, status, body, expected) => {
    const error = of(status, body);
    expect(error).toBeInstanceOf(Error);
    expect(error.class).toBe(expected);
    expect(error.ambiguous).toBe(expected === "unavailable");
    expect(error.terminal).toBe(["not-found", "payment", "invalid-state", "key-conflict", "rejected"].includes(expected));
  });

  test("param may be a list; the cause of a payment failure is kept", () => {
    expect(of(400, { type: "invalid_request", message: "Invalid parameters", param: ["email", "phone"] }).param).toBe("email");
    const declined = of(400, {
      type: "payment",
      api_error_code: "payment_processing_failed",
      error_cause_id: "gateway.general.decline",
    });
    expect(declined.message).toBe("Chargebee answered 400 payment_processing_failed (gateway.general.decline)");
  });

  test.each([
    ["2", 2_000],
    ["0", undefined],
    ["Mon, 01 Jun 2026 00:00:30 GMT", 30_000],
    ["Sun, 31 May 2026 00:00:00 GMT", undefined],
    ["soon", undefined],
    [undefined, undefined],
  ])("Retry-After %s", (header, expected) => {
    expect(of(429, { api_error_code: "api_request_limit_exceeded" }, header).retryAfterMs).toBe(expected);
  });
});

test("the remote text never reaches the message, whatever it is", () => {
  const prose = fc.string({ minLength: 1 }).map((text) => `Dear Mrs Doe, ${text}`);
  fc.assert(
    fc.property(prose, fc.integer({ min: 300, max: 599 }), (text, status) => {
      const body = { message: text, type: text, api_error_code: text, param: [text], error_cause_id: text };
      const error = of(status, body);
      expect(`${error.message} ${error.code} ${error.type} ${error.param} ${error.causeID}`).not.toContain("Mrs Doe");
    }),
  );
});

test("no answer is ambiguous and keeps its cause", () => {
  const cause = new TypeError("fetch failed");
  expect(errorFromTransport(cause)).toMatchObject({ ambiguous: true, cause, message: "Chargebee gave no answer" });
});
