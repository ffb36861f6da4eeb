import type { DomainClaim } from "../api/v1/domain-claim.ts";
import type { ObjectKey } from "../kube/objects.ts";

/**
 * The BillingAccount (`namespace/class`) that pays for the claim, whether or not it exists; undefined when nobody does
 * (billing protocol, rule 1). Claims are counted, not CustomDomains, since tenants can strip those of their finalizer.
 */
export function billedAccount(claim: DomainClaim): ObjectKey | undefined {
  const { state, holder, className, rows } = claim.spec;
  if (holder === undefined || className === undefined) return undefined;
  // A retained name goes on being served, so it goes on being paid for.
  const billable = state === "Released" ? rows.length > 0 : state !== "Releasing" && rows.some((row) => row.role === "Primary");
  return billable ? `${holder.namespace}/${className}` : undefined;
}

/** A claim that left an account's count. */
export interface Departure {
  readonly account: ObjectKey;
  /** The protocol itself took it away: released, or passed on to another account. */
  readonly explained: boolean;
}

/** What a change of one claim means for the account that paid for it until then. */
export function departure(before: DomainClaim | undefined, after: DomainClaim | undefined): Departure | undefined {
  const account = before === undefined ? releasingAccount(after) : billedAccount(before);
  if (account === undefined) return undefined;
  if (after === undefined) return { account, explained: false };
  if (before !== undefined && billedAccount(after) === account) return undefined;
  const { state, holder, className } = after.spec;
  const releasing = state === "Releasing" || state === "Released";
  const passedOn = holder !== undefined && `${holder.namespace}/${className}` !== account;
  return { account, explained: releasing || passedOn };
}

/**
 * A claim that is being released when it is first seen left the count at an unknown time: taken as since the last sync, so
 * that a change of leader in the middle of a mass deletion does not look like a loss.
 */
function releasingAccount(claim: DomainClaim | undefined): ObjectKey | undefined {
  if (claim?.spec.state !== "Releasing" || claim.spec.holder === undefined || claim.spec.className === undefined)
    return undefined;
  return `${claim.spec.holder.namespace}/${claim.spec.className}`;
}
