import { describe, expect, test } from "vitest";
import { createLogger, errorFields, type Logger } from "./logger.ts";

function logging(level = "debug"): { log: Logger; lines: () => Record<string, unknown>[]; text: () => string } {
  const written: string[] = [];
  const log = createLogger({ level, destination: { write: (line: string) => void written.push(line) } });
  return { log, lines: () => written.map((line) => JSON.parse(line)), text: () => written.join("") };
}

test("a fact is one JSON line with time, level by name and message", () => {
  const { log, lines } = logging("info");
  log.child({ controller: "customdomain" }).info({ key: "shop/acme" }, "reconciled");
  log.debug("not at this level");
  expect(lines()).toEqual([
    {
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      controller: "customdomain",
      key: "shop/acme",
      message: "reconciled",
    },
  ]);
});

describe("what must never be written is not", () => {
  test.each([
    [{ authorization: "Bearer hush" }],
    [{ request: { authorization: "Bearer hush" } }],
    [{ headers: { "x-auth-key": "hush" } }],
    [{ response: { headers: { "set-cookie": "hush" } } }],
    [{ credentials: { apiToken: "hush", apiKey: "hush", password: "hush", secret: "hush", signingKey: "hush", token: "hush" } }],
  ])("%j", (fields) => {
    const { log, text } = logging();
    log.error(fields, "mistake");
    expect(text()).toContain("mistake");
    expect(text()).toContain("[redacted]");
    expect(text()).not.toContain("hush");
  });

  test("own properties of errors", () => {
    const { log, lines, text } = logging();
    const error = Object.assign(new TypeError("refused", { cause: new Error("connection reset") }), { body: "hush" });
    log.error({ err: error }, "failed");
    log.error({ error }, "failed");
    for (const line of lines()) {
      const logged = { type: "TypeError", message: "refused", cause: "Error: connection reset", stack: expect.any(String) };
      expect(line.err ?? line.error).toEqual(logged);
    }
    expect(text()).not.toContain("hush");
  });
});

test("something thrown that is no Error is told by type and text", () => {
  expect(errorFields("plain")).toEqual({ type: "string", message: "plain" });
  expect(errorFields(undefined)).toEqual({ type: "undefined", message: "undefined" });
});
