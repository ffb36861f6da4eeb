import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { sameOrigin, type WantedHostname } from "../../cloudflare/hostname.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import { isOfOurMaking, isRecordedElsewhere } from "../row-ownership.ts";
import type { ProvisionContext } from "./provision.ts";
import { CONFLICT_AFTER_MS, created, type Found } from "./row-outcome.ts";

const HANDED_OVER_SOON_MS = 30_000;

/**
 * Decides on rows that exist under a wanted name: ours by age (unless `ageCounts` is false, because our own POST was refused),
 * taken over as the class's adoption policy says, or in the way. Nothing that others made is taken for a name that is not proven:
 * whoever takes a row over may delete it.
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
  if (ageCounts && isOfOurMaking(claim, row, context.ledger)) return { kind: "row", row, note: created(want.hostname) };
  const { cloudflare, ownership } = context.class.spec;
  const proven = claim.spec.state === "Proven";
  if (!proven && ownership.proof === "Required") return { kind: "none" };
  if (isRecordedElsewhere(context.ledger, claim.metadata.name, row.id)) {
    // The twin of a proven name is given up by its holder as soon as the twin's own name is proven.
    if (proven && want.hostname === claim.metadata.name) {
      const message = `${want.hostname} is the redirect of another domain until that gives it up`;
      return { kind: "problem", reason: "NameReleasing", message, afterMs: HANDED_OVER_SOON_MS, own: false, stalled: false };
    }
    const message = `${want.hostname} is connected by another CustomDomain: delete one of the two, or set its wwwRedirect to Disabled`;
    return { kind: "problem", reason: "AdoptionRefused", message, afterMs: CONFLICT_AFTER_MS, own: true, stalled: false };
  }
  const { adoption } = cloudflare;
  if (adoption === "Never" || (adoption === "IfMatching" && !sameOrigin(row, want))) {
    const message = `Cloudflare has a custom hostname ${want.hostname} that this operator did not create, and the class does not let it be taken over: an administrator deletes it or sets cloudflare.adoption`;
    return { kind: "problem", reason: "AdoptionRefused", message, afterMs: CONFLICT_AFTER_MS, own: true, stalled: false };
  }
  return {
    kind: "row",
    row,
    note: { type: "Normal", reason: "Adopted", message: `The existing custom hostname ${want.hostname} was taken over` },
  };
}
