import type { ClaimRow } from "../../api/v1/domain-claim.ts";
import { isGone } from "../../cloudflare/hostname.ts";
import { hasOwner } from "../row-ownership.ts";
import type { ProvisionContext } from "./provision.ts";
import { catching, type Found, type ProvisionProblem } from "./row-outcome.ts";

/**
 * Which of `left`, newest first, may go: those that a newer row of their hostname replaces, all once every wanted hostname has its
 * row (`complete`), and a twin whose name somebody has proven for itself, whatever the spec says.
 */
export function removable(
  left: readonly ClaimRow[],
  recorded: readonly ClaimRow[],
  complete: boolean,
  { name, ledger, mayChange }: Pick<ProvisionContext, "ledger" | "mayChange"> & { readonly name: string },
): ReadonlySet<ClaimRow> {
  const may = (row: ClaimRow, at: number): boolean => {
    if (row.hostname !== name && hasOwner(ledger, row.hostname)) return true;
    const replaced = [...recorded, ...left.slice(0, at)].some(({ hostname }) => hostname === row.hostname);
    return mayChange && (complete || replaced);
  };
  return new Set(left.filter(may));
}

/** What remains of `left`: a row that a GET did not show gone stays in the claim. */
export async function removeUnwanted(
  left: readonly ClaimRow[],
  dispensable: ReadonlySet<ClaimRow>,
  context: ProvisionContext,
  problems: ProvisionProblem[],
  signal: AbortSignal,
): Promise<ClaimRow[]> {
  const kept: ClaimRow[] = [];
  for (const row of left) {
    if (!dispensable.has(row)) {
      kept.push(row);
      continue;
    }
    const result = await catching(async () => {
      const api = context.apiOf(row.zoneID);
      if (api === undefined) return unreachable(row);
      const before = await api.get(row.zoneID, row.id, signal);
      if (before === undefined || isGone(before) || before.hostname !== row.hostname) return { kind: "none" };
      await api.delete(row.zoneID, row.id, signal);
      const after = await api.get(row.zoneID, row.id, signal);
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

function unreachable({ hostname, zoneID }: ClaimRow): Found {
  const message = `${hostname} is still in zone ${zoneID}, which no CustomDomainClass can reach: an administrator mends the class, or deletes the hostname there`;
  return { kind: "problem", reason: "ClassNotReady", message, afterMs: 300_000, own: false, stalled: false };
}
