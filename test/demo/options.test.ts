import { expect, test } from "vitest";
import { demoOptions } from "./options.ts";

test.each([
  [{}, { break: undefined, keep: false, stepDeadlineMs: 120_000, evidence: undefined }],
  [
    { KEEP: "", DEMO_BREAK: "", DEMO_STEP_SECONDS: "", DEMO_EVIDENCE: "" },
    { break: undefined, keep: false, stepDeadlineMs: 120_000, evidence: undefined },
  ],
  [{ KEEP: "0" }, { break: undefined, keep: false, stepDeadlineMs: 120_000, evidence: undefined }],
  [
    { KEEP: "1", DEMO_BREAK: "billing", DEMO_STEP_SECONDS: "7", DEMO_EVIDENCE: "demo-billing" },
    { break: "billing", keep: true, stepDeadlineMs: 7_000, evidence: "demo-billing" },
  ],
  [{ KEEP: "yes" }, "KEEP must be 1, or absent"],
  [{ DEMO_BREAK: "cloudflare" }, "DEMO_BREAK must be dns or billing"],
  [{ DEMO_STEP_SECONDS: "soon" }, "DEMO_STEP_SECONDS must be a number of seconds"],
  [{ DEMO_EVIDENCE: "../elsewhere" }, "DEMO_EVIDENCE must be a name of a-z, 0-9 and -"],
])("%j", (environment, expected) => {
  expect(demoOptions(environment)).toEqual(expected);
});
