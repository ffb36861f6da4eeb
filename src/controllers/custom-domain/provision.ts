import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { ClaimRow, DomainClaim } from "../../api/v1/domain-claim.ts";
import type { CloudflareApi } from "../../cloudflare/api.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import { createInput, drift, isGone, type WantedHostname } from "../../cloudflare/hostname.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import type { ZoneSnapshot } from "../../cloudflare/zone-snapshot.ts";
import { withRows } from "../../core/claim-spec.ts";
import { differs } from "../../core/conditions.ts";
import type { Ledger } from "../ledger.ts";
import { adopt } from "./adopt.ts";
import { CONFLICT_AFTER_MS, catching, created, type Found, type ProvisionNote, type ProvisionProblem } from "./row-outcome.ts";
import { removeUnwanted } from "./unwanted.ts";

export interface WantedRow {
  readonly role: ClaimRow["role"];
  readonly wanted: WantedHostname;
}

export interface Provisioned {
  readonly claim: DomainClaim;
  /** By hostname. */
  readonly rows: ReadonlyMap<string, CustomHostname>;
  readonly problems: readonly ProvisionProblem[];
  readonly notes: readonly ProvisionNote[];
}

export interface ProvisionContext {
  readonly ledger: Ledger;
  readonly class: CustomDomainClass;
  readonly api: CloudflareApi;
  /** For rows that are left in another zone; undefined: no class can serve it now. */
  readonly apiOf: (zoneID: string) => CloudflareApi | undefined;
  readonly snapshot: ZoneSnapshot;
  /** Whether rows may be created (claims rule 6, billing, suspend). Rows that exist are observed in any case. */
  readonly mayCreate: boolean;
  /** Whether rows may be changed or removed: not while suspended. */
  readonly mayChange: boolean;
  /** A GET by id instead of the shared snapshot: somebody asked for the truth now. */
  readonly fresh: boolean;
  readonly now: number;
  /** A refusal of this create that still stands: it is not sent again. */
  readonly refused: (hostname: string) => Found | undefined;
  /** How long a create of the hostname would have to wait: asked before the look-up, which would be wasted. */
  readonly createWaitMs: (hostname: string) => number;
}

/**
 * Claims rule 6: a row at Cloudflare for each wanted hostname, found before it is created, and its id in the claim. Called by the
 * holder under the name's lock. All new ids go into the claim in one write, also when a later hostname failed. A row that is
 * not wanted any more is deleted only after every wanted one has its id.
 */
export async function provision(
  claim: DomainClaim,
  wanted: readonly WantedRow[],
  context: ProvisionContext,
  signal: AbortSignal,
): Promise<Provisioned> {
  const zoneID = context.class.spec.cloudflare.zoneID;
  const recorded: ClaimRow[] = [];
  const rows = new Map<string, CustomHostname>();
  const problems: ProvisionProblem[] = [];
  const notes: ProvisionNote[] = [];
  let gone = 0;
  for (const { role, wanted: want } of wanted) {
    const { hostname } = want;
    const known = claim.spec.rows.find((row) => row.hostname === hostname && row.zoneID === zoneID);
    const found = await catching(() => ensureRow(claim, known, want, context, signal), signal);
    if (found.kind === "problem") problems.push({ ...found, hostname });
    if (found.kind === "row") {
      rows.set(hostname, found.row);
      // What could not be changed is still to be compared.
      const mark = known?.handedOver === true && !context.mayChange ? { handedOver: true } : {};
      recorded.push({ hostname, role, zoneID, id: found.row.id, ...mark });
      if (found.note !== undefined) notes.push(found.note);
    } else if (found.kind === "problem" && known !== undefined) recorded.push(known);
    else if (known !== undefined) gone += 1;
  }
  const complete = recorded.length === wanted.length;
  const left = claim.spec.rows.filter(
    (row) => !wanted.some(({ wanted: want }) => want.hostname === row.hostname && row.zoneID === zoneID),
  );
  const kept = complete && context.mayChange ? await removeUnwanted(left, context, problems, signal) : left;
  const next = [...recorded, ...kept].slice(0, 4);
  const saved = await record(claim, next, gone > 0, context, signal);
  return { claim: saved, rows, problems, notes };
}

async function record(
  claim: DomainClaim,
  rows: readonly ClaimRow[],
  lostOne: boolean,
  context: ProvisionContext,
  signal: AbortSignal,
): Promise<DomainClaim> {
  const before = claim.spec.rows;
  if (!differs(before, rows)) return claim;
  const spec = withRows(claim.spec, rows);
  // createdTime is when the name last had no row of ours: now, when the last one vanished.
  const emptied = lostOne && rows.length === 0 ? { createdTime: new Date(context.now).toISOString() } : {};
  return context.ledger.claims.replace({ ...claim, spec: { ...spec, ...emptied } }, signal);
}

async function ensureRow(
  claim: DomainClaim,
  known: ClaimRow | undefined,
  want: WantedHostname,
  context: ProvisionContext,
  signal: AbortSignal,
): Promise<Found> {
  const current = known === undefined ? undefined : await observe(known, context, signal);
  if (current !== undefined) return adjust(current, want, context, signal);
  if (!context.mayCreate) return { kind: "none" };
  const refused = context.refused(want.hostname);
  if (refused !== undefined) return refused;
  const waitMs = context.createWaitMs(want.hostname);
  if (waitMs > 0) {
    const message = `Cloudflare creates a few hostnames per minute, and others are before ${want.hostname}`;
    return { kind: "problem", reason: "AwaitingCapacity", message, afterMs: waitMs, own: false, stalled: false };
  }
  const { zoneID } = context.class.spec.cloudflare;
  const rows = (await context.api.findByHostname(zoneID, want.hostname, signal)).filter((row) => !isGone(row));
  if (rows.length > 0) return adopt(claim, rows, want, context, true);
  try {
    const { hostname: row, warnings } = await context.api.create(zoneID, createInput(want), signal);
    const [warning] = warnings;
    const note = warning === undefined ? created(want.hostname) : softQuota(warning);
    return { kind: "row", row, note };
  } catch (error) {
    if (!(error instanceof CloudflareError) || error.class !== "Duplicate") throw error;
    // Our POST was definitely refused: what is there was not made by it, whatever its age says.
    const others = (await context.api.findByHostname(zoneID, want.hostname, signal)).filter((row) => !isGone(row));
    if (others.length > 0) return adopt(claim, others, want, context, false);
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

async function adjust(row: CustomHostname, want: WantedHostname, context: ProvisionContext, signal: AbortSignal): Promise<Found> {
  const patch = context.mayChange ? drift(row, want) : undefined;
  if (patch === undefined) return { kind: "row", row };
  // The snapshot may be older than the last change: a PATCH restarts validation, so it is sent on a fresh look only.
  const current = await context.api.get(context.class.spec.cloudflare.zoneID, row.id, signal);
  const still = current === undefined ? undefined : drift(current, want);
  if (current === undefined || still === undefined) return { kind: "row", row: current ?? row };
  const edited = await context.api.edit(context.class.spec.cloudflare.zoneID, row.id, still, signal);
  return {
    kind: "row",
    row: edited,
    note: { type: "Normal", reason: "Updated", message: `Custom hostname ${want.hostname} was changed to match the spec` },
  };
}

function softQuota(warning: string): ProvisionNote {
  return { type: "Warning", reason: "QuotaSoftExceeded", message: warning.slice(0, 512) };
}
