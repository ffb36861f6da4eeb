import type { ClaimRow, DomainClaim } from "../../api/v1/domain-claim.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import { createInput, drift, isGone, type WantedHostname } from "../../cloudflare/hostname.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import { beginAttempt } from "../../core/claim-attempt.ts";
import { adopt } from "./adopt.ts";
import type { ProvisionContext } from "./provision.ts";
import { CONFLICT_AFTER_MS, created, type Found, type ProvisionNote } from "./row-outcome.ts";
import type { WantedRow } from "./wanted.ts";

const TOLD_AFTER_MS = 300_000;

/** The claim as it is by now, and the write that a POST needs before it. */
export interface ClaimInHand {
  readonly claim: () => DomainClaim;
  readonly begin: (spec: DomainClaim["spec"]) => Promise<void>;
}

/** The row of one wanted hostname: as it was seen, brought in line, found, or created. */
export async function ensureRow(
  hand: ClaimInHand,
  known: ClaimRow | undefined,
  want: WantedRow,
  context: ProvisionContext,
  signal: AbortSignal,
): Promise<Found> {
  const current = known === undefined ? undefined : await observe(known, context, signal);
  const found =
    current === undefined
      ? await make(hand, want.wanted, context, signal)
      : await adjust(current, (row) => target(row, known, want), context, signal);
  return found.kind === "row" ? telling(found, want) : found;
}

async function make(hand: ClaimInHand, want: WantedHostname, context: ProvisionContext, signal: AbortSignal): Promise<Found> {
  if (!context.mayCreate) return { kind: "none" };
  const refused = context.refused(want.hostname);
  if (refused !== undefined) return refused;
  const waitMs = context.createWaitMs(want.hostname);
  if (waitMs > 0) {
    const message = `Cloudflare creates a few hostnames per minute, and others are before ${want.hostname}`;
    return { kind: "problem", reason: "AwaitingCapacity", message, afterMs: waitMs, own: false, stalled: false };
  }
  const { zoneID } = context.class.spec.cloudflare;
  const lookUp = async () => (await context.api.findByHostname(zoneID, want.hostname, signal)).filter((row) => !isGone(row));
  const rows = await lookUp();
  if (rows.length > 0) return adopt(hand.claim(), rows, want, context, true);
  const attempt = beginAttempt(hand.claim().spec, context.now());
  if (attempt !== undefined) await hand.begin(attempt);
  try {
    const { hostname: row, warnings } = await context.api.create(zoneID, createInput(want), signal);
    const [warning] = warnings;
    const note = warning === undefined ? created(want.hostname) : softQuota(warning);
    return { kind: "row", row, note };
  } catch (error) {
    if (!(error instanceof CloudflareError) || error.class !== "Duplicate") throw error;
    // Our POST was definitely refused: what is there was not made by it, whatever its age says.
    const others = await lookUp();
    if (others.length > 0) return adopt(hand.claim(), others, want, context, false);
    const message = `Cloudflare holds ${want.hostname} elsewhere, or is still deleting it: it is tried again`;
    return { kind: "problem", reason: "HostnameConflict", message, afterMs: CONFLICT_AFTER_MS, own: true, stalled: false };
  }
}

/** The row as last seen; undefined once Cloudflare does not have it any more (a GET said so). */
async function observe(known: ClaimRow, context: ProvisionContext, signal: AbortSignal): Promise<CustomHostname | undefined> {
  // After a restart one shared list tells of every row what a thousand GETs would.
  if (!context.fresh && context.snapshot.state().generation === 0) await context.snapshot.refresh(signal);
  const seen = context.fresh ? undefined : context.snapshot.byID(known.id);
  const row = seen ?? (await context.api.get(known.zoneID, known.id, signal));
  return row === undefined || isGone(row) || row.hostname !== known.hostname ? undefined : row;
}

/** Visitors keep the origin that they have while the spec names one that the class does not allow (any more). */
function target(row: CustomHostname, known: ClaimRow | undefined, { wanted, refused }: WantedRow): WantedHostname {
  // But not that of a former holder.
  if (refused?.reason !== "OriginNotAllowed" || known?.handedOver === true) return wanted;
  return { ...wanted, originServer: row.customOriginServer, originSNI: row.customOriginSNI };
}

async function adjust(
  row: CustomHostname,
  targetOf: (row: CustomHostname) => WantedHostname,
  context: ProvisionContext,
  signal: AbortSignal,
): Promise<Found> {
  if (!context.mayChange || drift(row, targetOf(row)) === undefined) return { kind: "row", row };
  const standing = context.edits.standing(row.id);
  if (standing !== undefined) return { kind: "row", row, refused: standing, unedited: true };
  // The snapshot may be older than the last change: a PATCH restarts validation, so it is sent on a fresh look only, and, as W3
  // says, to no other hostname.
  const current = await context.api.get(context.class.spec.cloudflare.zoneID, row.id, signal);
  if (current === undefined || isGone(current) || current.hostname !== row.hostname) return { kind: "row", row };
  const want = targetOf(current);
  const still = drift(current, want);
  if (still === undefined) return { kind: "row", row: current };
  try {
    const edited = await context.api.edit(context.class.spec.cloudflare.zoneID, row.id, still, signal);
    const message = `Custom hostname ${want.hostname} was changed to match the spec`;
    return { kind: "row", row: edited, note: { type: "Normal", reason: "Updated", message } };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CloudflareError) || error.class === "NotFound" || error.class === "InvalidId") throw error;
    // The row serves as it did: only the change is in question.
    const refused = context.edits.refused(row.id, error);
    const note = {
      type: "Warning",
      reason: refused.reason,
      message: `${want.hostname} was not changed: ${refused.message}`,
    } as const;
    return { kind: "row", row: current, refused, unedited: true, ...(refused.own ? { note } : {}) };
  }
}

/** A refused setting is told where the row lacks it. What it has since the time when that was allowed, nobody misses. */
function telling(found: Extract<Found, { kind: "row" }>, { refused }: WantedRow): Found {
  if (refused === undefined || found.refused?.stalled === true || drift(found.row, refused.asked) === undefined) return found;
  const { reason, message } = refused;
  return { ...found, refused: { reason, message, afterMs: TOLD_AFTER_MS, own: true, stalled: true } };
}

function softQuota(warning: string): ProvisionNote {
  return { type: "Warning", reason: "QuotaSoftExceeded", message: warning.slice(0, 512) };
}
