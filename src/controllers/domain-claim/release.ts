import type { CustomDomainStatus } from "../../api/v1/custom-domain-status.ts";
import type { ClaimRow, DomainClaim } from "../../api/v1/domain-claim.ts";
import type { CloudflareApi } from "../../cloudflare/api.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import { isGone } from "../../cloudflare/hostname.ts";
import { decideEndOfRelease } from "../../core/claim-release.ts";
import { MAX_ROWS, withRows } from "../../core/claim-spec.ts";
import { knowsOfRelease } from "../custom-domain/lapse.ts";
import type { Ledger } from "../ledger.ts";
import { isUnrecorded } from "../row-ownership.ts";

/** `recorded`: a row was found and goes with the next step. `waiting`: somebody else has to finish first; look again. */
export type ReleaseStep = { readonly kind: "done" | "recorded" } | { readonly kind: "waiting"; readonly message: string };

/**
 * Claims rule 8 for a claim that is Releasing, under the name's lock: every row is deleted by an id that the claim holds,
 * after a GET showed the same hostname, and seen gone, before the one write that frees the name. Restartable anywhere: a
 * deleted row is 404 the next time, an unrecorded one is found by name.
 */
export async function release(
  claim: DomainClaim,
  context: {
    readonly ledger: Ledger;
    readonly api: CloudflareApi;
    /** For rows that are left in another zone; undefined: no class can serve it now. */
    readonly apiOf: (zoneID: string) => CloudflareApi | undefined;
    readonly zoneID: string;
    readonly issuer: string;
    readonly cooldownMs: number;
    readonly hostnames: readonly string[];
    /** Whether a holder that is alive has to know of the release before its last trace goes: not for ever. */
    readonly mustTell: boolean;
    readonly now: () => number;
  },
  signal: AbortSignal,
): Promise<ReleaseStep> {
  const unrecorded = await findUnrecorded(claim, context, signal);
  const room = MAX_ROWS - claim.spec.rows.length;
  // W3: a row is deleted only by an id in the claim, so that a crash between here and there leaves a trace.
  if (unrecorded.length > 0 && room > 0)
    return record(claim, [...claim.spec.rows, ...unrecorded.slice(0, room)], context, signal);
  let pending = false;
  for (const row of claim.spec.rows) {
    const api = context.apiOf(row.zoneID);
    if (api === undefined) throw unreachable(row);
    if (!(await isRowGone(row, api, signal))) pending = true;
  }
  if (pending) return { kind: "waiting", message: "Cloudflare is still deleting the custom hostname." };
  // Those that are gone make room.
  if (unrecorded.length > 0) return record(claim, unrecorded.slice(0, MAX_ROWS), context, signal);
  return finish(claim, context, signal);
}

async function record(
  claim: DomainClaim,
  rows: readonly ClaimRow[],
  { ledger }: Parameters<typeof release>[1],
  signal: AbortSignal,
): Promise<ReleaseStep> {
  await ledger.claims.replace({ ...claim, spec: withRows(claim.spec, rows) }, signal);
  return { kind: "recorded" };
}

async function findUnrecorded(
  claim: DomainClaim,
  { api, zoneID, hostnames, ledger }: Parameters<typeof release>[1],
  signal: AbortSignal,
): Promise<ClaimRow[]> {
  const found: ClaimRow[] = [];
  const known = new Set(claim.spec.rows.map((row) => row.id));
  for (const hostname of hostnames) {
    for (const row of await api.findByHostname(zoneID, hostname, signal)) {
      if (known.has(row.id) || !isUnrecorded(claim, row, ledger)) continue;
      found.push({ hostname, role: hostname === claim.spec.domain ? "Primary" : "Redirect", zoneID, id: row.id });
    }
  }
  return found;
}

/** Sends the DELETE when the row is still there; true once a GET shows it gone. */
async function isRowGone(row: ClaimRow, api: CloudflareApi, signal: AbortSignal): Promise<boolean> {
  const before = await api.get(row.zoneID, row.id, signal);
  // Another hostname under our id: the id is stale, the row is not ours.
  if (before === undefined || isGone(before) || before.hostname !== row.hostname) return true;
  await api.delete(row.zoneID, row.id, signal);
  const after = await api.get(row.zoneID, row.id, signal);
  return after === undefined || isGone(after);
}

function unreachable({ hostname, zoneID }: ClaimRow): CloudflareError {
  const message = `${hostname} is in zone ${zoneID}, which no CustomDomainClass can reach: an administrator mends the class, or deletes the hostname there`;
  return new CloudflareError({ class: "Unauthorized", message, ambiguous: false });
}

async function finish(claim: DomainClaim, context: Parameters<typeof release>[1], signal: AbortSignal): Promise<ReleaseStep> {
  const { ledger, issuer, cooldownMs, now } = context;
  const holder = await holderState(claim, ledger, signal);
  const decision = decideEndOfRelease({ claim: claim.spec, holder: holder.kind, issuer, cooldownMs, now: now() });
  if (decision.kind === "update") await ledger.claims.replace({ ...claim, spec: decision.spec }, signal);
  else {
    // Rule 11: without the claim only its status keeps the holder from claiming the name again at once.
    if (context.mustTell && !knowsOfRelease(holder.status))
      return { kind: "waiting", message: "The CustomDomain has not been told yet that its claim ran out." };
    await ledger.claims.remove(claim, signal);
  }
  return { kind: "done" };
}

interface HolderState {
  readonly kind: "alive" | "deleting" | "gone";
  readonly status: CustomDomainStatus | undefined;
}

async function holderState(claim: DomainClaim, ledger: Ledger, signal: AbortSignal): Promise<HolderState> {
  const { holder } = claim.spec;
  if (holder === undefined) return { kind: "gone", status: undefined };
  const live = await ledger.domains.live(`${holder.namespace}/${holder.name}`, signal);
  if (live.kind === "gone" || live.object.metadata.uid !== holder.uid) return { kind: "gone", status: undefined };
  const { metadata, status } = live.object;
  return { kind: metadata.deletionTimestamp === undefined ? "alive" : "deleting", status };
}
