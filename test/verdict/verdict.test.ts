import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPORT } from "../../tools/reports.ts";
import { OPERATOR_USER } from "../harness/environment.ts";
import { auditRbac } from "../integration/rbac-audit.ts";
import { renderChart } from "../tools/helm.ts";
import type { Manifest } from "../tools/manifests.ts";
import { type Evidence, type EvidenceRoom, heldAgainst, readEvidenceRoom } from "./evidence.ts";
import { complaints, eventFindings, idleFindings, ledgerFindings, logFindings, secretFindings } from "./judges.ts";
import { statusesWritten, statusFindings } from "./statuses.ts";
import { isOf, suitesWithEvidence } from "./suites.ts";

/** Permissions that no test makes use of, and why they are given all the same. */
const UNUSED_ON_PURPOSE: Readonly<Record<string, string>> = {};
/** Below these the suite would not have shown much. */
const LEAST_STATUSES = { CustomDomain: 50, CustomDomainClass: 10, BillingAccount: 5, CustomDomainRoute: 1 } as const;
const LEAST_IDLE_WINDOWS = 2;

let room: EvidenceRoom;
let evidence: readonly Evidence[];
/** How much was judged, for the reader of the output and for `make readme`. */
const judged: string[] = [];

beforeAll(async () => {
  room = await readEvidenceRoom();
  evidence = room.evidence;
});

afterAll(async () => {
  await mkdir(dirname(REPORT.judged), { recursive: true });
  await writeFile(REPORT.judged, judged.map((line) => `${line}\n`).join(""));
});

function tell(what: string, amounts: readonly string[]): void {
  const line = `${what} judged: ${amounts.join(", ")}`;
  judged.push(line);
  process.stdout.write(`${line}\n`);
}

describe("the evidence", () => {
  it("is there, of every environment and every demo: run all the tests first", async () => {
    const suites = await suitesWithEvidence();
    const without = suites.filter((suite) => !evidence.some(({ name }) => isOf(suite, name)));
    expect({ without, incomplete: room.problems }).toEqual({ without: [], incomplete: [] });
    expect(suites.length).toBeGreaterThan(0);
  });
});

describe("what the operator wrote to Kubernetes", () => {
  it("every status passes the kstatus checker and the rules of this project", () => {
    const counts = new Map<string, number>();
    for (const { stored } of evidence.flatMap(statusesWritten)) counts.set(stored.kind, (counts.get(stored.kind) ?? 0) + 1);
    tell(
      "statuses",
      [...counts].map(([kind, count]) => `${count} ${kind}`),
    );
    expect(heldAgainst(evidence, statusFindings)).toEqual([]);
    const few = Object.entries(LEAST_STATUSES).filter(([kind, least]) => (counts.get(kind) ?? 0) < least);
    expect(few).toEqual([]);
  });

  it("Events with a sentence and a reason of the catalogue, and with their text in the audit log", () => {
    expect(heldAgainst(evidence, eventFindings)).toEqual([]);
    const created = evidence.flatMap(({ requests }) => requests).filter(({ objectRef }) => objectRef?.resource === "events");
    expect(created.length).toBeGreaterThan(0);
  });

  it("nothing outside the chart's rules, with no rule too many and no wildcard", async () => {
    const manifests: readonly Manifest[] = await renderChart();
    const violations = heldAgainst(evidence, ({ requests }) => auditRbac(requests, manifests, OPERATOR_USER).violations);
    const { unused, wildcards } = auditRbac(
      evidence.flatMap(({ requests }) => requests),
      manifests,
      OPERATOR_USER,
    );
    expect({ violations, wildcards }).toEqual({ violations: [], wildcards: [] });
    expect(unused).toEqual(Object.keys(UNUSED_ON_PURPOSE).sort());
  });

  it("nothing but its Lease in an idle window, and nothing to Cloudflare and Chargebee", () => {
    expect(heldAgainst(evidence, idleFindings)).toEqual([]);
    const windows = evidence.flatMap(({ idle }) => idle);
    tell(
      "idle windows",
      windows.map(({ passedMs }) => `${Math.round(passedMs / 1_000)} s`),
    );
    expect(windows.length).toBeGreaterThanOrEqual(LEAST_IDLE_WINDOWS);
  });
});

describe("what nobody may see", () => {
  it("no secret value stands in a log, a status, an event or any other request", () => {
    expect(heldAgainst(evidence, secretFindings)).toEqual([]);
    expect(evidence.flatMap(({ secrets }) => Object.keys(secrets)).length).toBeGreaterThanOrEqual(4 * evidence.length);
  });
});

describe("what the simulators counted", () => {
  it("one row per name, one write at a time, and none of the mistakes that cost money", () => {
    expect(heldAgainst(evidence, ledgerFindings)).toEqual([]);
    expect(evidence.length).toBeGreaterThan(0);
  });
});

describe("what the operator logged", () => {
  it("no error, nothing unhandled, nothing that is not a line of the logger", () => {
    for (const each of evidence) {
      for (const [complaint, times] of complaints(each))
        process.stdout.write(`${each.name}: ${times} × ${complaint.slice(0, 220)}\n`);
    }
    expect(heldAgainst(evidence, logFindings)).toEqual([]);
    expect(evidence.filter(({ log }) => log.includes('"starting the controllers"')).length).toBeGreaterThan(0);
  });
});
