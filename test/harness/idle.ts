import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { CustomDomain } from "../../src/api/v1/custom-domain.ts";
import { type AuditEvent, isWrite, readAuditLog } from "../control-plane/audit-log.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { type Environment, OPERATOR_USER } from "./environment.ts";
import { EVIDENCE } from "./evidence.ts";

/** A part of the audit log in which nothing was due, and what the simulators counted meanwhile. */
export interface IdleWindow {
  /** Byte offsets. */
  readonly from: number;
  readonly to: number;
  /** By how much the clock moved, real time included. */
  readonly passedMs: number;
  readonly cloudflareWrites: number;
  readonly chargebeeWrites: number;
  /** Reads that Cloudflare answered: an operator that has hung is not idle. */
  readonly cloudflareReads: number;
}

/** A check may be made a little before the time that status names: it has whole seconds. */
const MARGIN_MS = 60_000;
const PASSES = 12;
const PAUSE_MS = 150;

/**
 * Lets the operator run for `realMs` of real time, and for the time until shortly before the first nextCheckAt, and expects
 * that it wrote nothing in it: to Kubernetes nothing but its Lease, to Cloudflare and Chargebee nothing at all. What happened is
 * kept as evidence.
 *
 * @param limitMs - of the clock; less than the time until the first check where something else is due before.
 * @throws Error when a check is due so soon that there is no window, or none and no limit is given.
 */
export async function assertIdle(environment: Environment, realMs: number, limitMs = Number.POSITIVE_INFINITY): Promise<void> {
  const windowMs = Math.min(limitMs, (await firstCheckAt(environment)) - environment.clock.now() - MARGIN_MS);
  if (windowMs < realMs) throw new Error(`a check is due in ${Math.round(windowMs / 1_000)} s: there is no idle window`);
  if (windowMs === Number.POSITIVE_INFINITY) throw new Error("no check is due, ever: say how long the window is to be");
  const from = await endOfAuditLog(environment);
  const before = externalCalls(environment);
  const started = environment.clock.now();
  await delay(realMs / 2);
  for (let pass = 0; pass < PASSES; pass += 1) {
    await environment.pass((windowMs - realMs) / PASSES - PAUSE_MS);
    await delay(PAUSE_MS);
  }
  await delay(realMs / 2);
  const passedMs = environment.clock.now() - started;
  const to = await endOfAuditLog(environment);
  const after = externalCalls(environment);
  const window: IdleWindow = {
    from,
    to,
    passedMs,
    cloudflareWrites: after.cloudflareWrites - before.cloudflareWrites,
    chargebeeWrites: after.chargebeeWrites - before.chargebeeWrites,
    cloudflareReads: after.cloudflareReads - before.cloudflareReads,
  };
  await appendFile(join(environment.evidence, EVIDENCE.idle), `${JSON.stringify(window)}\n`);
  const written = (await operatorWrites(environment.controlPlane.auditLog, window)).filter((event) => !isLease(event));
  expect(written.map(describeWrite)).toEqual([]);
  expect({ cloudflare: window.cloudflareWrites, chargebee: window.chargebeeWrites }).toEqual({ cloudflare: 0, chargebee: 0 });
  expect(window.cloudflareReads).toBeGreaterThan(0);
}

/** The operator's writes in a part of an audit log, its Lease included. */
export async function operatorWrites(
  auditLog: string,
  { from, to }: Pick<IdleWindow, "from" | "to">,
): Promise<readonly AuditEvent[]> {
  const where = (event: AuditEvent) => event.user.username === OPERATOR_USER && isWrite(event);
  return (await readAuditLog(auditLog, { offset: from, end: to, where })).events;
}

export function isLease({ objectRef }: AuditEvent): boolean {
  return objectRef?.apiGroup === "coordination.k8s.io" && objectRef.resource === "leases";
}

export function describeWrite({ verb, objectRef, responseStatus }: AuditEvent): string {
  const { resource = "", subresource, namespace, name = "" } = objectRef ?? {};
  const where = [namespace, name].filter((part) => part !== undefined).join("/");
  return `${verb} ${[resource, subresource].filter((part) => part !== undefined).join("/")} ${where}: ${responseStatus?.code}`;
}

/** Unix milliseconds of everybody's clock; never earlier than what the operator plans, whose own memory may be fresher. */
async function firstCheckAt(environment: Environment): Promise<number> {
  const { body } = await environment.controlPlane.request("GET", "/apis/customdomains.dev/v1/customdomains");
  const { items } = body as { readonly items: readonly CustomDomain[] };
  const times = items.map(({ status }) => Date.parse(status?.nextCheckAt ?? ""));
  return Math.min(...times.map((time) => (Number.isNaN(time) ? 0 : time)));
}

function externalCalls({ world }: Environment) {
  let cloudflareReads = 0;
  let cloudflareWrites = 0;
  for (const [route, count] of Object.entries(world.cloudflare.counters())) {
    if (route.startsWith("GET ")) cloudflareReads += count;
    else cloudflareWrites += count;
  }
  return { cloudflareReads, cloudflareWrites, chargebeeWrites: world.chargebee.posts() };
}

let markers = 0;

/** Where the audit log ends once everything that was asked until now stands in it: after a request of our own. */
export async function endOfAuditLog({ controlPlane }: Environment): Promise<number> {
  markers += 1;
  const path = `/api/v1/namespaces/idle-marker-${markers}`;
  await controlPlane.request("GET", path);
  let offset = 0;
  await waitUntil(
    "the marker to stand in the audit log",
    async () => {
      const part = await readAuditLog(controlPlane.auditLog, { where: ({ requestURI }) => requestURI === path });
      offset = part.offset;
      return part.events.length > 0;
    },
    { timeoutMs: 10_000 },
  );
  return offset;
}
