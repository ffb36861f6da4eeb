import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { ClaimRow, DomainClaim } from "../../api/v1/domain-claim.ts";
import type { Reason } from "../../api/v1/reasons.ts";
import type { CloudflareApi } from "../../cloudflare/api.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import { createdByUs, createInput, drift, isGone, sameOrigin, type WantedHostname } from "../../cloudflare/hostname.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import type { ZoneSnapshot } from "../../cloudflare/zone-snapshot.ts";
import { withRows } from "../../core/claim.ts";
import type { Ledger } from "../ledger.ts";

export interface WantedRow {
  readonly role: ClaimRow["role"];
  readonly wanted: WantedHostname;
}

/** What stands between a wanted hostname and its row. */
export interface ProvisionProblem {
  readonly hostname: string;
  readonly reason: Reason;
  readonly message: string;
  readonly afterMs: number;
  /** An error of this domain alone, which counts as its failure; else of the zone, the credential or the budget. */
  readonly own: boolean;
  /** Only an edit of the CustomDomain helps. */
  readonly stalled: boolean;
}

export interface ProvisionNote {
  readonly type: "Normal" | "Warning";
  readonly reason: Reason;
  readonly message: string;
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
  readonly snapshot: ZoneSnapshot;
  /** Whether rows may be created (claims rule 6, billing, suspend). Rows that exist are observed in any case. */
  readonly mayCreate: boolean;
  /** Whether rows may be changed or removed: not while suspended. */
  readonly mayChange: boolean;
  /** A GET by id instead of the shared snapshot: somebody asked for the truth now. */
  readonly fresh: boolean;
  readonly now: number;
  /** How long a create of the hostname would have to wait: asked before the look-up, which would be wasted. */
  readonly createWaitMs: (hostname: string) => number;
}

type Found =
  | { readonly kind: "row"; readonly row: CustomHostname; readonly note?: ProvisionNote }
  | { readonly kind: "none" }
  | ({ readonly kind: "problem" } & Omit<ProvisionProblem, "hostname">);

const CONFLICT_AFTER_MS = 600_000;

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
      recorded.push({ hostname, role, zoneID, id: found.row.id });
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
  const same =
    before.length === rows.length && before.every((row, index) => row.id === rows[index]?.id && row.role === rows[index]?.role);
  if (same) return claim;
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

async function adopt(
  claim: DomainClaim,
  rows: readonly CustomHostname[],
  want: WantedHostname,
  context: ProvisionContext,
  ageCounts: boolean,
): Promise<Found> {
  const [row, second] = rows;
  if (row === undefined || second !== undefined) {
    const message = `Cloudflare lists ${rows.length} custom hostnames named ${want.hostname}: an administrator deletes all but one`;
    return { kind: "problem", reason: "HostnameConflict", message, afterMs: CONFLICT_AFTER_MS, own: true, stalled: false };
  }
  if (ageCounts && createdByUs(row, claim.spec.createdTime)) return { kind: "row", row, note: created(want.hostname) };
  const { adoption } = context.class.spec.cloudflare;
  const taken = [...context.ledger.claims.store.list()].some((other) => other.spec.rows.some(({ id }) => id === row.id));
  const allowed = !taken && (adoption === "Always" || (adoption === "IfMatching" && sameOrigin(row, want)));
  if (!allowed) {
    const message = `Cloudflare has a custom hostname ${want.hostname} that this operator did not create, and the class does not let it be taken over: an administrator deletes it or sets cloudflare.adoption`;
    return { kind: "problem", reason: "AdoptionRefused", message, afterMs: CONFLICT_AFTER_MS, own: true, stalled: false };
  }
  return {
    kind: "row",
    row,
    note: { type: "Normal", reason: "Adopted", message: `The existing custom hostname ${want.hostname} was taken over` },
  };
}

/** What remains of `left`: a row that a GET did not show gone stays in the claim. */
async function removeUnwanted(
  left: readonly ClaimRow[],
  context: ProvisionContext,
  problems: ProvisionProblem[],
  signal: AbortSignal,
): Promise<ClaimRow[]> {
  const kept: ClaimRow[] = [];
  for (const row of left) {
    const result = await catching(async () => {
      const before = await context.api.get(row.zoneID, row.id, signal);
      if (before === undefined || isGone(before) || before.hostname !== row.hostname) return { kind: "none" };
      await context.api.delete(row.zoneID, row.id, signal);
      const after = await context.api.get(row.zoneID, row.id, signal);
      if (after === undefined || isGone(after)) return { kind: "none" };
      return {
        kind: "problem",
        reason: "NameReleasing",
        message: `${row.hostname} is being deleted at Cloudflare`,
        afterMs: 2_000,
        own: false,
        stalled: false,
      };
    }, signal);
    if (result.kind === "none") continue;
    kept.push(row);
    if (result.kind === "problem") problems.push({ ...result, hostname: row.hostname });
  }
  return kept;
}

const OWN_ERRORS: ReadonlySet<string> = new Set([
  "InvalidSpec",
  "PlanRequired",
  "OriginMissing",
  "NotModifiable",
  "Duplicate",
  "InvalidId",
  "NotFound",
]);
const RETRY_MS: Readonly<Record<string, number>> = {
  Unauthorized: 300_000,
  SaaSNotEnabled: 300_000,
  QuotaExceeded: 300_000,
  ConfigWrong: 300_000,
  InvalidSpec: 3_600_000,
  PlanRequired: 3_600_000,
};

/** A refusal by Cloudflare is an outcome of one hostname, not an error of the whole reconcile. */
async function catching(step: () => Promise<Found>, signal: AbortSignal): Promise<Found> {
  try {
    return await step();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CloudflareError)) throw error;
    return {
      kind: "problem",
      reason: error.reason,
      message: error.message,
      afterMs: error.retryAfterMs ?? RETRY_MS[error.class] ?? 30_000,
      own: OWN_ERRORS.has(error.class),
      stalled: error.class === "InvalidSpec",
    };
  }
}

function created(hostname: string): ProvisionNote {
  return { type: "Normal", reason: "Created", message: `Custom hostname ${hostname} was created at Cloudflare` };
}

function softQuota(warning: string): ProvisionNote {
  return { type: "Warning", reason: "QuotaSoftExceeded", message: warning.slice(0, 512) };
}
