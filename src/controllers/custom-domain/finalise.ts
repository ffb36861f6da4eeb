import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { ClaimRow, DomainClaim } from "../../api/v1/domain-claim.ts";
import { API_VERSION, DOMAIN_CLAIMS, FINALIZER } from "../../api/v1/group.ts";
import { isGone } from "../../cloudflare/hostname.ts";
import { isHolder, retained } from "../../core/claim.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ReleaseProgress } from "../domain-claim/progress.ts";
import { isTerminating, type Ledger } from "../ledger.ts";
import type { Providers } from "../providers.ts";
import { removeFinalizer } from "./metadata.ts";

export interface FinaliseContext {
  readonly ledger: Ledger;
  readonly providers: Providers;
  readonly progress: ReleaseProgress;
  readonly clock: Clock;
  readonly tenant: string;
  readonly id: string;
}

/** `waiting`: the claim controller is releasing the name, and a change of the claim brings this domain back. */
export type FinaliseOutcome = { readonly kind: "finalised" } | { readonly kind: "waiting"; readonly message: string };

const HAND_OFF_MS = 600_000;
const HAND_OFF_TERMINATING_MS = 120_000;

/**
 * Claims rules 8 to 10 for a domain that is being deleted: gives the claim up and lets the finalizer go once nothing of it can
 * be left at Cloudflare unnoticed. Makes no external write itself.
 */
export async function finalise(domain: CustomDomain, context: FinaliseContext, signal: AbortSignal): Promise<FinaliseOutcome> {
  const { ledger } = context;
  if (!(domain.metadata.finalizers ?? []).includes(FINALIZER)) return { kind: "finalised" };
  for (const name of claimNames(domain, ledger)) {
    const live = await ledger.claims.live(name, signal);
    const claim = live.kind === "present" ? live.object : await restore(domain, name, context, signal);
    if (claim === undefined || !isHeldBy(claim, domain)) continue;
    const waiting = await giveUp(domain, claim, context, signal);
    if (waiting !== undefined) return waiting;
  }
  await removeFinalizer(domain, ledger, signal);
  return { kind: "finalised" };
}

/** The name it is known by, and any that the cache says it holds (there is at most one in practice). */
function claimNames(domain: CustomDomain, ledger: Ledger): string[] {
  const held = ledger.claims.store
    .byIndex("holder", `${domain.metadata.namespace}/${domain.metadata.name}`)
    .map(({ metadata }) => metadata.name);
  return [...new Set([...(domain.status?.domain === undefined ? [] : [domain.status.domain]), ...held])];
}

function isHeldBy(claim: DomainClaim, { metadata }: CustomDomain): boolean {
  return isHolder(claim.spec, { namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid ?? "" });
}

async function giveUp(
  domain: CustomDomain,
  claim: DomainClaim,
  context: FinaliseContext,
  signal: AbortSignal,
): Promise<FinaliseOutcome | undefined> {
  const { ledger, progress, clock } = context;
  const { state } = claim.spec;
  if (state === "Released") return undefined;
  if (state === "Releasing") {
    const trouble = progress.trouble(claim.metadata.name);
    const terminating = isTerminating(ledger, domain.metadata.namespace ?? "");
    const patience = terminating ? HAND_OFF_TERMINATING_MS : HAND_OFF_MS;
    // Rule 10: the claim stays Releasing and the claim controller goes on; no namespace hangs on Cloudflare.
    if (trouble !== undefined && (trouble.refused || clock.monotonic() - trouble.since >= patience)) return undefined;
    return { kind: "waiting", message: trouble?.message ?? "The custom hostname is being deleted at Cloudflare." };
  }
  const allowRetain = ledger.classes.get(claim.spec.className ?? "")?.spec.policy.allowRetain === true;
  if (domain.spec.deletionPolicy === "Retain" && allowRetain && claim.spec.rows.length > 0) {
    await ledger.claims.replace({ ...claim, spec: retained(claim.spec) }, signal);
    return undefined;
  }
  await ledger.claims.replace({ ...claim, spec: { ...claim.spec, state: "Releasing" } }, signal);
  return { kind: "waiting", message: "The custom hostname is being deleted at Cloudflare." };
}

/**
 * Rules 9 and 13: the claim was deleted by hand while rows of this domain exist. Ids from status are believed only where a GET
 * shows the same hostname; the claim comes back as Releasing, so that rule 8 deletes them.
 */
async function restore(
  domain: CustomDomain,
  name: string,
  context: FinaliseContext,
  signal: AbortSignal,
): Promise<DomainClaim | undefined> {
  const className = domain.status?.className;
  const known = (domain.status?.hostnames ?? []).filter(({ cloudflareID }) => cloudflareID !== undefined);
  if (className === undefined || known.length === 0) return undefined;
  const provider = context.providers.cloudflare(className);
  if (provider.kind === "unavailable") return undefined;
  const api = provider.session.api({
    subject: `CustomDomain/${domain.metadata.namespace}/${domain.metadata.name}`,
    why: "deletion",
    hostnames: [],
    priority: "normal",
  });
  const rows: ClaimRow[] = [];
  let createdTime = new Date(context.clock.now()).toISOString();
  for (const { hostname, role, zoneID, cloudflareID = "" } of known) {
    const row = await api.get(zoneID, cloudflareID, signal);
    if (row === undefined || isGone(row) || row.hostname !== hostname) continue;
    rows.push({ hostname, role, zoneID, id: cloudflareID });
    if (row.createdAt !== undefined && row.createdAt < createdTime) createdTime = row.createdAt;
  }
  if (rows.length === 0) return undefined;
  const { namespace = "", name: objectName, uid = "" } = domain.metadata;
  const holder = { namespace, name: objectName, uid };
  const spec = {
    state: "Releasing" as const,
    domain: name,
    tenant: context.tenant,
    holder,
    id: context.id,
    className,
    createdTime,
    rows,
  };
  return context.ledger.claims.create({ apiVersion: API_VERSION, kind: DOMAIN_CLAIMS.kind, metadata: { name }, spec }, signal);
}
