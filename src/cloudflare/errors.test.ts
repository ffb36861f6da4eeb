import { describe, expect, test } from "vitest";
import { parseEnvelope, readEnvelope } from "./envelope.ts";
import type { ErrorClass } from "./error-codes.ts";
import { answerError, transportError, wasNeverSent } from "./errors.ts";

const read = { mutation: false, secrets: [] };
const write = { mutation: true, secrets: ["s3cr3t-token"] };

function answer(status: number, ...codes: readonly number[]) {
  return { status, errors: codes.map((code) => ({ code, message: `message of ${code}` })), retryAfterMs: undefined };
}

const table: readonly (readonly [ErrorClass, number, readonly number[]])[] = [
  ["OperatorBug", 400, [1400, 1401, 1402, 1403, 1437, 1438, 1440]],
  ["SaaSNotEnabled", 403, [1404]],
  ["SaaSNotEnabled", 400, [1404]],
  ["QuotaExceeded", 403, [1405]],
  ["Duplicate", 409, [1406]],
  ["InvalidSpec", 400, [1407, 1408, 1409, 1410, 1411, 1412]],
  ["PlanRequired", 403, [1413, 1414]],
  ["PlanRequired", 400, [1413, 1459]],
  ["InvalidSpec", 400, [1415, 1416, 1417, 1418, 1419, 1420]],
  ["OriginMissing", 400, [1421]],
  ["InvalidSpec", 400, [1422, 1423, 1424, 1425, 1442, 1443, 1449]],
  ["InvalidSpec", 400, [1426, 1427, 1428, 1429, 1430, 1441, 1444, 1445, 1446, 1447]],
  ["InvalidSpec", 404, [1431]],
  ["InvalidSpec", 400, [1432, 1433, 1434, 1448, 1469]],
  ["InvalidId", 400, [1435]],
  ["NotFound", 404, [1436]],
  ["NotModifiable", 409, [1439]],
  ["Transient", 500, [1500]],
  ["Unauthorized", 401, [1000, 1001, 1002, 1003, 1004, 1005]],
  ["Unauthorized", 403, [10000, 9109]],
  ["Unauthorized", 400, [6003]],
  ["ConfigWrong", 404, [7003]],
  ["ConfigWrong", 400, [7003]],
  ["RateLimited", 429, [10429, 10300]],
];
const cases = table.flatMap(([errorClass, status, codes]) => codes.map((code) => [code, status, errorClass] as const));

describe("codes", () => {
  test.each(cases)("%i with HTTP %i is %s", (code, status, errorClass) => {
    for (const call of [read, write])
      expect(answerError(answer(status, code), call)).toMatchObject({ class: errorClass, code, status });
  });

  test.each(cases)("%i decides even when HTTP says something else than %i", (code, _status, errorClass) => {
    for (const status of [200, 400, 403, 404, 409, 500]) expect(answerError(answer(status, code), write).class).toBe(errorClass);
  });

  test("the first known code decides, also in an error chain", () => {
    const envelope = readEnvelope({
      success: false,
      errors: [
        { code: 99999, message: "unknown", error_chain: [{ code: 6111, message: "Invalid format for Authorization header" }] },
      ],
    });
    expect(answerError({ status: 400, errors: envelope?.errors, retryAfterMs: undefined }, read)).toMatchObject({
      class: "Unauthorized",
      code: 6111,
    });
    expect(answerError(answer(400, 99999, 1406), write).code).toBe(1406);
  });

  test("codes written as strings count", () => {
    expect(readEnvelope({ success: false, errors: [{ code: "1406", message: "x" }] })?.errors).toEqual([
      { code: 1406, message: "x" },
    ]);
  });
});

describe("unknown codes and foreign bodies", () => {
  test.each([
    [200, "Transient", true],
    [301, "ConfigWrong", false],
    [401, "Unauthorized", false],
    [403, "Unauthorized", false],
    [404, "NotFound", false],
    [405, "OperatorBug", false],
    [408, "Transient", true],
    [409, "Transient", true],
    [429, "RateLimited", false],
    [500, "Transient", true],
    [520, "Transient", true],
  ] as const)("HTTP %i with an unknown code is %s; a write may have happened: %s", (status, errorClass, ambiguous) => {
    expect(answerError(answer(status, 99999), write)).toMatchObject({ class: errorClass, ambiguous });
    expect(answerError(answer(status, 99999), read).ambiguous).toBe(false);
  });

  test("a 400 with an unknown code is the spec's fault only in a write", () => {
    expect([answerError(answer(400, 99999), write).class, answerError(answer(400, 99999), read).class]).toEqual([
      "InvalidSpec",
      "OperatorBug",
    ]);
  });

  test("somebody else's 404 page is no proof that a hostname is gone, nor a 403 page that the token is bad", () => {
    const page = (status: number) => answerError({ status, errors: undefined, retryAfterMs: undefined }, write).class;
    expect([page(404), page(403), page(502), page(200)]).toEqual(["ConfigWrong", "Transient", "Transient", "Transient"]);
  });

  test.each(["<html>502</html>", '{"success":false,"err', "", "null", "[]", '"text"', "{}"])("%j is no envelope", (text) => {
    expect(parseEnvelope(text)).toBeUndefined();
  });

  test("a bare id is one, as DELETE answers", () => {
    expect(parseEnvelope('{"id":"bar"}')).toMatchObject({ id: "bar", success: undefined });
  });
});

describe("transport", () => {
  test.each(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT", "ERR_TLS_CERT_ALTNAME_INVALID"])(
    "%s: nothing was sent",
    (code) => {
      const cause = new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });
      const error = transportError(cause, !wasNeverSent(cause), write);
      expect(error).toMatchObject({ class: "Transient", reason: "ProviderUnavailable", ambiguous: false, status: undefined });
      expect(error.message).toContain(code);
    },
  );

  test.each(["ECONNRESET", "UND_ERR_SOCKET", "UND_ERR_HEADERS_TIMEOUT", "EPIPE"])("%s: a write may have been applied", (code) => {
    const cause = new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });
    expect(transportError(cause, !wasNeverSent(cause), write).ambiguous).toBe(true);
    expect(transportError(cause, !wasNeverSent(cause), read).ambiguous).toBe(false);
  });
});

describe("messages", () => {
  test("hold Cloudflare's text and code, but no ids, no secrets, no line breaks, and not too much", () => {
    const message =
      "bad\r\n\u0007 s3cr3t-token Bearer abc.def for /zones/023e105f4ecef8ad9ca31a8372d0c353/custom_hostnames/0d89c70d-ad9f-4843-b99f-6cc0252067e9 ";
    const error = answerError(
      { status: 400, errors: [{ code: 1407, message: message + "x".repeat(5000) }], retryAfterMs: undefined },
      write,
    );
    expect(error.message).toContain("code 1407");
    expect(error.message).toContain("bad [redacted] Bearer [redacted] for /zones/<id>/custom_hostnames/<id>");
    expect(error.message).not.toMatch(/s3cr3t|abc\.def|023e105f|0d89c70d|[\r\n]/);
    expect(error.message.length).toBeLessThan(500);
  });

  test("are the same for the same failure, so that a status does not change with every attempt", () => {
    const texts = ["0d89c70d-ad9f-4843-b99f-6cc0252067e9", "614b3124-cd57-42f0-8307-000000000000"].map(
      (id) =>
        answerError({ status: 500, errors: [{ code: 1500, message: `internal ${id}` }], retryAfterMs: undefined }, write).message,
    );
    expect(new Set(texts).size).toBe(1);
  });
});
