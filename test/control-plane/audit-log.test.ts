import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isWrite, readAuditLog } from "./audit-log.ts";

let dir: string;
let log: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "audit-log-"));
  log = join(dir, "audit.log");
  await writeFile(log, "");
});

afterEach(() => rm(dir, { recursive: true }));

describe("readAuditLog", () => {
  test("an empty log has no events", async () => {
    expect(await readAuditLog(log)).toEqual({ events: [], offset: 0 });
  });

  test("half a line is left for the next read, which continues where the last one ended", async () => {
    const second = line("second", "update");
    await writeFile(log, line("first", "create") + second.slice(0, 100));
    const first = await readAuditLog(log);
    expect(first.events.map(({ auditID }) => auditID)).toEqual(["first"]);

    await appendFile(log, second.slice(100) + line("third", "get"));
    const rest = await readAuditLog(log, { offset: first.offset });
    expect(rest.events.map(({ auditID }) => auditID)).toEqual(["second", "third"]);
    expect((await readAuditLog(log, { offset: rest.offset })).events).toEqual([]);
  });

  test("a line cut short by a killed API server does not hide the event that follows on it", async () => {
    const cut = line("cut", "create").slice(0, 90);
    await writeFile(log, cut + line("after", "create") + line("last", "create"));
    expect((await readAuditLog(log)).events.map(({ auditID }) => auditID)).toEqual(["after", "last"]);
  });

  test("offsets count bytes, and lines may be longer than what is read at once", async () => {
    const long = line("long", "create", "ü".repeat(3_000_000));
    await writeFile(log, long + line("short", "create"));
    const { events, offset } = await readAuditLog(log);
    expect(events.map(({ auditID }) => auditID)).toEqual(["long", "short"]);
    expect(offset).toBe(Buffer.byteLength(long + line("short", "create")));
  });

  test("a filter chooses", async () => {
    await writeFile(log, line("a", "get") + line("b", "patch") + line("c", "watch"));
    expect((await readAuditLog(log, { where: isWrite })).events.map(({ auditID }) => auditID)).toEqual(["b"]);
  });
});

function line(auditID: string, verb: string, note = ""): string {
  const requestObject = { kind: "Event", apiVersion: "events.k8s.io/v1", note };
  return `${JSON.stringify({ kind: "Event", apiVersion: "audit.k8s.io/v1", level: "Request", auditID, verb, requestObject })}\n`;
}
