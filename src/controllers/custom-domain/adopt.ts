import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { createdByUs, sameOrigin, type WantedHostname } from "../../cloudflare/hostname.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import { isRecordedElsewhere } from "../row-ownership.ts";
import type { ProvisionContext } from "./provision.ts";
import { CONFLICT_AFTER_MS, created, type Found } from "./row-outcome.ts";

/**
 * Decides on rows that exist under a wanted name: ours by age (unless `ageCounts` is false, because our own POST was refused),
 * taken over as the class's adoption policy says, or in the way.
 */
export async function adopt(
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
  const taken = isRecordedElsewhere(context.ledger, claim.metadata.name, row.id);
  if (!taken && ageCounts && createdByUs(row, claim.spec.createdTime)) return { kind: "row", row, note: created(want.hostname) };
  const { adoption } = context.class.spec.cloudflare;
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
