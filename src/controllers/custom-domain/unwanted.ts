import type { ClaimRow } from "../../api/v1/domain-claim.ts";
import { isGone } from "../../cloudflare/hostname.ts";
import type { ProvisionContext } from "./provision.ts";
import { catching, type Found, type ProvisionProblem } from "./row-outcome.ts";

/** What remains of `left`: a row that a GET did not show gone stays in the claim. */
export async function removeUnwanted(
  left: readonly ClaimRow[],
  context: ProvisionContext,
  problems: ProvisionProblem[],
  signal: AbortSignal,
): Promise<ClaimRow[]> {
  const kept: ClaimRow[] = [];
  for (const row of left) {
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
