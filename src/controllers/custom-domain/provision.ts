import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { ClaimRow, DomainClaim } from "../../api/v1/domain-claim.ts";
import type { CloudflareApi } from "../../cloudflare/api.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import type { ZoneSnapshot } from "../../cloudflare/zone-snapshot.ts";
import { iso, MAX_ROWS, withRows } from "../../core/claim-spec.ts";
import { differs } from "../../core/conditions.ts";
import type { Ledger } from "../ledger.ts";
import { ensureRow } from "./ensure-row.ts";
import type { RefusedEdits } from "./refused-edits.ts";
import { catching, type Found, type ProvisionNote, type ProvisionProblem } from "./row-outcome.ts";
import { removable, removeUnwanted } from "./unwanted.ts";
import type { WantedRow } from "./wanted.ts";

export type { WantedRow } from "./wanted.ts";

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
  readonly now: () => number;
  /** A refusal of this create that still stands: it is not sent again. */
  readonly refused: (hostname: string) => Found | undefined;
  readonly edits: RefusedEdits;
  /** How long a create of the hostname would have to wait: asked before the look-up, which would be wasted. */
  readonly createWaitMs: (hostname: string) => number;
}

const NO_ROOM_AFTER_MS = 5_000;

/**
 * Claims rule 6: a row at Cloudflare for each wanted hostname, found before it is created, and its id in the claim. Called by the
 * holder under the locks of all names concerned. All new ids go into the claim in one write, also when a later hostname failed. A
 * row that is not wanted any more is deleted only after every wanted one has its id; no id is dropped while its row may exist.
 */
export async function provision(
  claim: DomainClaim,
  wanted: readonly WantedRow[],
  context: ProvisionContext,
  signal: AbortSignal,
): Promise<Provisioned> {
  const zoneID = context.class.spec.cloudflare.zoneID;
  const isWanted = (row: ClaimRow): boolean =>
    wanted.some((want) => want.wanted.hostname === row.hostname && row.zoneID === zoneID);
  const left = claim.spec.rows.filter((row) => !isWanted(row));
  let room = MAX_ROWS - claim.spec.rows.length;
  let current = claim;
  const recorded: ClaimRow[] = [];
  const rows = new Map<string, CustomHostname>();
  const problems: ProvisionProblem[] = [];
  const notes: ProvisionNote[] = [];
  let gone = 0;
  for (const want of wanted) {
    const { hostname } = want.wanted;
    const known = claim.spec.rows.find((row) => row.hostname === hostname && row.zoneID === zoneID);
    const begin = async (spec: DomainClaim["spec"]): Promise<void> => {
      current = await context.ledger.claims.replace({ ...current, spec }, signal);
    };
    const found =
      known === undefined && room <= 0
        ? noRoom(hostname)
        : await catching(() => ensureRow({ claim: () => current, begin }, known, want, context, signal), signal);
    if (found.kind === "problem") problems.push({ ...found, hostname });
    if (found.kind === "row") {
      rows.set(hostname, found.row);
      if (known === undefined) room -= 1;
      // What could not be changed is still to be compared.
      const unchanged = !context.mayChange || found.unedited === true;
      const mark = known?.handedOver === true && unchanged ? { handedOver: true } : {};
      recorded.push({ hostname, role: want.role, zoneID, id: found.row.id, ...mark });
      if (found.note !== undefined) notes.push(found.note);
      if (found.refused !== undefined) problems.push({ ...found.refused, hostname });
    } else if (found.kind === "problem" && known !== undefined) recorded.push(known);
    else if (known !== undefined) gone += 1;
  }
  const complete = recorded.length === wanted.length;
  const dispensable = removable(left, recorded, complete, { ...context, name: claim.metadata.name });
  const kept = await removeUnwanted(left, dispensable, context, problems, signal);
  const saved = await record(current, [...recorded, ...kept], gone > 0, context, signal);
  return { claim: saved, rows, problems, notes };
}

/** Rows of earlier zones that could not be removed yet fill the claim: an id that is not recorded is a row that nobody deletes. */
function noRoom(hostname: string): Found {
  const message = `${hostname} is created once its rows in other zones are removed`;
  return { kind: "problem", reason: "NameReleasing", message, afterMs: NO_ROOM_AFTER_MS, own: false, stalled: false };
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
  const emptied = lostOne && rows.length === 0 ? { createdTime: iso(context.now()) } : {};
  return context.ledger.claims.replace({ ...claim, spec: { ...spec, ...emptied } }, signal);
}
