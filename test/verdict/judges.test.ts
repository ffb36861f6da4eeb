import { describe, expect, it } from "vitest";
import type { AuditEvent } from "../control-plane/audit-log.ts";
import { type Evidence, heldAgainst } from "./evidence.ts";
import { complaints, eventFindings, idleFindings, ledgerFindings, logFindings, secretFindings } from "./judges.ts";

const CLEAN_BILLING = {
  ...{ overlaps: 0, destroyedSchedules: 0, reactivations: 0, badRequests: 0, emptyReplacements: 0, unknownParameters: 0 },
  ...{ unchangedWrites: 0, keyConflicts: 0, priceResets: 0, chargeItems: 0, writes: 3 },
};

function request(
  verb: string,
  resource: string,
  more: Partial<AuditEvent> & { apiGroup?: string; name?: string } = {},
): AuditEvent {
  const { apiGroup = "customdomains.dev", name = "shop", ...rest } = more;
  return {
    auditID: "id",
    level: "RequestResponse",
    stage: "ResponseComplete",
    requestURI: `/${resource}`,
    verb,
    user: { username: "operator" },
    objectRef: { resource, apiGroup, name, namespace: "lindqvist" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: "2026-11-03T09:15:00.000000Z",
    stageTimestamp: "2026-11-03T09:15:00.000000Z",
    ...rest,
  };
}

const lease = request("update", "leases", { apiGroup: "coordination.k8s.io" });

describe("the ledgers", () => {
  const judge = (cloudflare: Partial<Evidence["counters"]["cloudflare"]>, chargebee: Record<string, number> = CLEAN_BILLING) =>
    ledgerFindings({ counters: { cloudflare: { maxRowsPerName: {}, overlappingWrites: {}, ...cloudflare }, chargebee } });

  it("are right", () => {
    expect(judge({ maxRowsPerName: { "a.se": 1 }, overlappingWrites: { "a.se": 0 } })).toEqual([]);
  });

  it("show a second row and an overlap", () => {
    expect(judge({ maxRowsPerName: { "a.se": 2 } })).toEqual(["Cloudflare: 2 rows at once for a.se"]);
    expect(judge({ overlappingWrites: { "a.se": 1 } })).toEqual(["Cloudflare: 1 overlapping writes for a.se"]);
  });

  it.each(Object.keys(CLEAN_BILLING).filter((counter) => counter !== "writes"))("show %s", (counter) => {
    expect(judge({}, { ...CLEAN_BILLING, [counter]: 2 })).toEqual([`Chargebee: ${counter} is 2`]);
  });

  it("miss a counter that is not there", () => {
    const { overlaps: _, ...others } = CLEAN_BILLING;
    expect(judge({}, others)).toEqual(["Chargebee: no counter overlaps"]);
  });
});

describe("the log", () => {
  const line = (level: string, message: string, more: object = {}) => JSON.stringify({ level, message, ...more });
  const failed = line("error", "reconcile failed", { controller: "customdomain", err: { message: "no" } });

  it("may tell, and warn", () => {
    expect(logFindings({ log: `${line("info", "started")}\n${line("warn", "could not renew")}\n\n` })).toEqual([]);
  });

  it.each([
    [failed, "error: customdomain: reconcile failed: no"],
    [line("fatal", "the operator ended"), "fatal: the operator ended"],
    [line("warn", "unhandledRejection"), "not handled: unhandledRejection"],
    ["(node:1) MaxListenersExceededWarning: leak", "not a line of the logger: (node:1) MaxListenersExceededWarning: leak"],
    ['{"level":"info"', 'not a line of the logger: {"level":"info"'],
  ])("is held against: %s", (log, finding) => {
    expect(logFindings({ log: `${log}\n${log}\n` })).toEqual([finding]);
  });

  it("is counted for people", () => {
    const log = [failed, failed, line("warn", "could not renew"), line("info", "started"), "noise"].join("\n");
    expect([...complaints({ log })]).toEqual([
      ["error: customdomain: reconcile failed: no", 2],
      ["warn: could not renew", 1],
    ]);
  });
});

describe("secret values", () => {
  const secrets = { key: "s3cr3t/key+value" };

  it("are nowhere", () => {
    const requests = [request("update", "customdomains", { requestObject: { status: { message: "the key is wrong" } } })];
    expect(secretFindings({ secrets, log: "the key is wrong", requests })).toEqual([]);
  });

  it.each([
    ["as they are", "s3cr3t/key+value"],
    ["in a URL", "s3cr3t%2Fkey%2Bvalue"],
    ["in a Secret", Buffer.from("s3cr3t/key+value").toString("base64")],
    ["in basic authentication", Buffer.from("s3cr3t/key+value:").toString("base64")],
  ])("are found %s", (_, value) => {
    expect(secretFindings({ secrets, log: `{"x":"…${value}…"}`, requests: [] })).toEqual(["key stands in operator.log"]);
    const status = request("update", "customdomains", { requestObject: { status: { message: `…${value}…` } } });
    const event = request("create", "events", { apiGroup: "events.k8s.io", requestObject: { note: value } });
    expect(secretFindings({ secrets, log: "", requests: [status, status, event] })).toEqual([
      "key stands in update customdomains lindqvist/shop",
      "key stands in create events lindqvist/shop",
    ]);
  });
});

describe("Events", () => {
  const event = (body: object) => request("create", "events", { apiGroup: "events.k8s.io", requestObject: body });
  const good = { type: "Normal", reason: "Live", note: "The domain is live.", regarding: { kind: "CustomDomain", name: "shop" } };

  it("are right, and other requests are none", () => {
    expect(eventFindings({ requests: [event(good), request("update", "customdomains")] })).toEqual([]);
  });

  it.each([
    [{ ...good, reason: "Pending" }, "Event of CustomDomain shop: reason Pending is not in the catalogue"],
    [{ ...good, note: "" }, "an Event without its parts"],
    [{ ...good, type: "Error" }, "an Event without its parts"],
  ])("are wrong: %j", (body, finding) => {
    expect(eventFindings({ requests: [event(body)] })).toEqual([expect.stringContaining(finding)]);
  });
});

describe("an idle window", () => {
  const quiet = { from: 0, to: 1, passedMs: 5_000, cloudflareWrites: 0, chargebeeWrites: 0, cloudflareReads: 2, writes: [lease] };

  it.each([
    [{}, []],
    [{ writes: [lease, request("update", "customdomains")] }, ["idle window 1: update customdomains lindqvist/shop: 200"]],
    [{ cloudflareWrites: 1 }, ["idle window 1: 1 writes to Cloudflare"]],
    [{ chargebeeWrites: 2 }, ["idle window 1: 2 writes to Chargebee"]],
    [{ writes: [] }, ["idle window 1: the operator did not renew its Lease, or read nothing"]],
    [{ cloudflareReads: 0 }, ["idle window 1: the operator did not renew its Lease, or read nothing"]],
  ])("%j", (change, findings) => {
    expect(idleFindings({ idle: [{ ...quiet, ...change }] })).toEqual(findings);
  });
});

describe("what is allowed on purpose", () => {
  const evidence = (allow: Evidence["allow"]): Evidence => ({
    name: "chaos",
    allow,
    requests: [],
    counters: { cloudflare: { maxRowsPerName: {}, overlappingWrites: {} }, chargebee: {} },
    secrets: {},
    log: "",
    idle: [],
  });
  const judge = () => ["Cloudflare: 2 rows at once for a.se", "fatal: the operator ended"];

  it("is left out, in the environment that says so, and nothing else", () => {
    const tolerant = evidence([{ finding: "2 rows at once for a.se", because: "somebody else made one" }]);
    expect(heldAgainst([tolerant, evidence([])], judge)).toEqual([
      "chaos: fatal: the operator ended",
      "chaos: Cloudflare: 2 rows at once for a.se",
      "chaos: fatal: the operator ended",
    ]);
  });
});
