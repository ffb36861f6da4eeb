import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { DomainClaim, DomainClaimSpec } from "../../api/v1/domain-claim.ts";
import { API_VERSION, DOMAIN_CLAIMS, FINALIZER } from "../../api/v1/group.ts";
import { type ClaimRefusal, decideClaim } from "../../core/claim.ts";
import { type Claimant, isHolder } from "../../core/claim-spec.ts";
import { isAlreadyExists } from "../../kube/api-error.ts";
import { keyOf } from "../../kube/objects.ts";
import { TryAgain } from "../../runtime/controller.ts";
import type { KeyedLock } from "../../runtime/keyed-lock.ts";
import { holderKey, type Ledger } from "../ledger.ts";
import { rememberedRows } from "../row-ownership.ts";
import { holderTenant, isFirstInLine } from "./contest.ts";

export type ClaimOutcome =
  | { readonly kind: "held"; readonly claim: DomainClaim }
  | { readonly kind: "refused"; readonly claim: DomainClaim; readonly reason: ClaimRefusal; readonly message: string }
  | { readonly kind: "overQuota"; readonly message: string };

export interface ClaimContext {
  readonly ledger: Ledger;
  readonly locks: KeyedLock;
  readonly class: CustomDomainClass;
  readonly claimant: Claimant;
  readonly domain: string;
  readonly now: number;
}

/**
 * Rule 1 wants the finalizer confirmed and the object not deleting: that is asked of the API server. A cache may be behind without
 * knowing it, and a name taken for an object that is gone would be an orphan for an hour.
 */
async function confirm(self: CustomDomain, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const key = keyOf(self);
  const live = await ledger.domains.live(key, signal);
  if (live.kind === "present") {
    const { uid, deletionTimestamp, finalizers = [] } = live.object.metadata;
    if (uid === self.metadata.uid && deletionTimestamp === undefined && finalizers.includes(FINALIZER)) return;
  }
  const cached = ledger.domains.get(key);
  if (live.kind === "gone" && cached !== undefined) ledger.domains.store.remove(cached);
  throw new TryAgain("the CustomDomain is another one than the cache had");
}

/** Claims rules 1, 2 and 5: takes the name, keeps it, or says who stands in the way. At most one write. */
export async function claimName(self: CustomDomain, context: ClaimContext, signal: AbortSignal): Promise<ClaimOutcome> {
  const { ledger, domain } = context;
  const live = await ledger.claims.live(domain, signal);
  const claim = live.kind === "present" ? live.object : undefined;
  const first = decide(self, context, claim?.spec, undefined);
  const decision =
    first.kind === "askHolder" && claim !== undefined
      ? decide(self, context, claim.spec, await isHolderGone(claim, ledger, signal))
      : first;
  if (decision.kind === "create" || decision.kind === "update") await confirm(self, ledger, signal);
  switch (decision.kind) {
    case "create":
      return withinQuota(context, () => create(self, context, decision.spec, signal));
    case "update": {
      if (claim === undefined) throw new Error(`claim ${domain}: an update of nothing`);
      const replace = async (): Promise<DomainClaim> => ledger.claims.replace({ ...claim, spec: decision.spec }, signal);
      if (decision.why === "Retenanted" && !isHolder(decision.spec, context.claimant)) {
        await replace();
        throw new TryAgain("the holder of the claim belongs to another tenant now", 0);
      }
      // A released name that is taken again is one more, as a new one is; the others are held already.
      return decision.why === "Reclaimed" ? withinQuota(context, replace) : { kind: "held", claim: await replace() };
    }
    case "held":
      if (claim === undefined) throw new Error(`claim ${domain}: nothing is held`);
      return { kind: "held", claim };
    case "refused":
      if (claim === undefined) throw new Error(`claim ${domain}: refused by nothing`);
      return { kind: "refused", claim, reason: decision.reason, message: refusalMessage(decision.reason, claim, self) };
    case "askHolder":
      throw new TryAgain("the holder of the claim could not be asked");
  }
}

function decide(self: CustomDomain, context: ClaimContext, claim: DomainClaimSpec | undefined, holderGone: boolean | undefined) {
  const { claimant, domain, now, ledger } = context;
  // A released name's tenant was hashed with the issuer of the class that it had.
  const { issuer } = (ledger.classes.get(claim?.className ?? "") ?? context.class).spec.ownership;
  const firstInLine = holderGone !== true || isFirstInLine(self, claimant.tenant, domain, ledger);
  const tenant = claim === undefined ? undefined : holderTenant(claim, issuer, ledger);
  return decideClaim({ claimant, domain, claim, issuer, holderGone, firstInLine, holderTenant: tenant, now });
}

/** The quota counts claims, and a write is counted before the next is decided: neither a burst nor a failover exceeds it. */
async function withinQuota(context: ClaimContext, write: () => Promise<DomainClaim>): Promise<ClaimOutcome> {
  const { ledger, locks, claimant, domain } = context;
  const account = `${claimant.namespace}/${claimant.className}`;
  const unlock = locks.tryAcquire(`quota ${account}`);
  if (unlock === undefined) throw new TryAgain("another domain of the namespace is being claimed");
  try {
    const limit = context.class.spec.policy.maxDomainsPerNamespace;
    // A retained claim that is taken again counts already.
    const used = ledger.claims.store.byIndex("account", account).filter(({ metadata }) => metadata.name !== domain).length;
    if (used >= limit) {
      const message = `Namespace ${claimant.namespace} has ${used} domains in class ${claimant.className}, and ${limit} are allowed: delete one, or ask an administrator`;
      return { kind: "overQuota", message };
    }
    return { kind: "held", claim: await write() };
  } finally {
    unlock();
  }
}

/** Rules 1 and 13: where a claim was deleted by hand, status still knows the ids of its rows. */
async function create(
  self: CustomDomain,
  { ledger, domain }: ClaimContext,
  spec: DomainClaimSpec,
  signal: AbortSignal,
): Promise<DomainClaim> {
  const rows = rememberedRows(self, domain, ledger);
  const claim = { apiVersion: API_VERSION, kind: DOMAIN_CLAIMS.kind, metadata: { name: domain }, spec: { ...spec, rows } };
  try {
    return await ledger.claims.create(claim, signal);
  } catch (error) {
    if (isAlreadyExists(error)) throw new TryAgain(`somebody else claimed ${domain} first (${keyOf(self)})`);
    throw error;
  }
}

async function isHolderGone(claim: DomainClaim, ledger: Ledger, signal: AbortSignal): Promise<boolean> {
  const live = await ledger.domains.live(holderKey(claim), signal);
  return live.kind === "gone" || live.object.metadata.uid !== claim.spec.holder?.uid;
}

/** Tells the tenant what it may know: its own objects by name, of others nothing but that they exist. */
function refusalMessage(reason: ClaimRefusal, claim: DomainClaim, self: CustomDomain): string {
  const { domain, holder, releaseAfterTime } = claim.spec;
  switch (reason) {
    case "DomainExists": {
      const where =
        holder?.namespace === self.metadata.namespace
          ? `CustomDomain ${holder?.name}`
          : `CustomDomain ${holder?.name} in namespace ${holder?.namespace}`;
      return `${domain} is connected already by your ${where}: delete one of the two`;
    }
    case "DomainAlreadyOwned":
      return `${domain} is connected to another account. If the domain is yours: publish the TXT record below and remove the other account's; 24 hours later it becomes yours`;
    case "CompetingProof":
      return `Another account has asked for ${domain} as well: the first to publish its TXT record gets it. Publish yours`;
    case "NameReleasing":
      return `${domain} is being released: wait until that has finished`;
    case "CoolingDown":
      return `${domain} was released a short while ago and rests until ${releaseAfterTime ?? "an administrator releases it"}: publish the TXT record below and it becomes yours at once`;
  }
}
