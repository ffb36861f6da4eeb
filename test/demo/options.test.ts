import { expect, test } from "vitest";
import { demoOptions } from "./options.ts";

test.each([
  [{}, { break: undefined, keep: false, stepDeadlineMs: 120_000 }],
  [
    { KEEP: "", DEMO_BREAK: "", DEMO_STEP_SECONDS: "" },
    { break: undefined, keep: false, stepDeadlineMs: 120_000 },
  ],
  [{ KEEP: "0" }, { break: undefined, keep: false, stepDeadlineMs: 120_000 }],
  [
    { KEEP: "1", DEMO_BREAK: "billing", DEMO_STEP_SECONDS: "7" },
    { break: "billing", keep: true, stepDeadlineMs: 7_000 },
  ],
  [{ KEEP: "yes" }, "KEEP must be 1, or absent"],
  [{ DEMO_BREAK: "cloudflare" }, "DEMO_BREAK must be dns or billing"],
  [{ DEMO_STEP_SECONDS: "soon" }, "DEMO_STEP_SECONDS must be a number of seconds"],
])("%j", (environment, expected) => {
  expect(demoOptions(environment)).toEqual(expected);
});
