import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { API_VERSION, DOMAIN_CLAIMS, FINALIZER } from "../../api/v1/group.ts";
import { retained } from "../../core/claim-release.ts";
import { isHolder } from "../../core/claim-spec.ts";
import { isAlreadyExists } from "../../kube/api-error.ts";
import type { EventRecorder } from "../../kube/events.ts";
import type { Clock } from "../../runtime/clock.ts";
import { TryAgain } from "../../runtime/controller.ts";
import type { ReleaseProgress } from "../domain-claim/progress.ts";
import { isTerminating, type Ledger, possibleNames } from "../ledger.ts";
import { rememberedRows } from "../row-ownership.ts";
import { removeFinalizer } from "./metadata.ts";

export interface FinaliseContext {
  readonly ledger: Ledger;
  readonly progress: ReleaseProgress;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly tenant: string;
  readonly id: string;
}

/** `waiting`: the claim controller is releasing the name, and a change of the claim brings this domain back. */
export type FinaliseOutcome =
  | { readonly kind: "finalised" }
  | { readonly kind: "waiting"; readonly message: string; readonly failing: boolean };

const HAND_OFF_MS = 600_000;
/** One lost answer is weather, not a deletion that stalls. */
const STALLED_AFTER_MS = 60_000;
const HAND_OFF_TERMINATING_MS = 120_000;

const RELEASING: FinaliseOutcome = {
  kind: "waiting",
  message: "The custom hostname is being deleted at Cloudflare.",
  failing: false,
};

/**
 * Claims rules 8 to 10 for a domain that is being deleted: gives the claim up and lets the finalizer go once nothing of it can
 * be left at Cloudflare unnoticed. Asks nobody but the API server. An object that others hold, and that a tenant took our
 * finalizer from, gives its claim up all the same.
 */
export async function finalise(domain: CustomDomain, context: FinaliseContext, signal: AbortSignal): Promise<FinaliseOutcome> {
  const { ledger } = context;
  const held = (domain.metadata.finalizers ?? []).includes(FINALIZER);
  for (const name of claimNames(domain, ledger)) {
    const live = await ledger.claims.live(name, signal);
    const claim = live.kind === "present" ? live.object : held ? await restore(domain, name, context, signal) : undefined;
    if (claim === undefined || !isHeldBy(claim, domain)) continue;
    const waiting = await giveUp(domain, claim, context, signal);
    if (waiting !== undefined) return waiting;
  }
  if (held) await removeFinalizer(domain, ledger, signal);
  return { kind: "finalised" };
}

/** The name it is known by, any that the cache says it holds, and, where neither is known yet, any that it may have claimed. */
function claimNames(domain: CustomDomain, ledger: Ledger): string[] {
  const held = ledger.claims.store
    .byIndex("holder", `${domain.metadata.namespace}/${domain.metadata.name}`)
    .map(({ metadata }) => metadata.name);
  const known = domain.status?.domain === undefined ? possibleNames(domain) : [domain.status.domain];
  return [...new Set([...known, ...held])].filter((name) => /^[a-z0-9.-]+$/.test(name));
}

function isHeldBy(claim: DomainClaim, { metadata }: CustomDomain): boolean {
  return isHolder(claim.spec, { namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid ?? "" });
}

async function giveUp(
  domain: CustomDomain,
  claim: DomainClaim,
  { ledger, progress, events, clock }: FinaliseContext,
  signal: AbortSignal,
): Promise<FinaliseOutcome | undefined> {
  const { state } = claim.spec;
  if (state === "Released") return undefined;
  if (state === "Releasing") {
    const trouble = progress.trouble(claim.metadata.name);
    const terminating = isTerminating(ledger, domain.metadata.namespace ?? "");
    const patience = terminating ? HAND_OFF_TERMINATING_MS : HAND_OFF_MS;
    // Rule 10: the claim stays Releasing and the claim controller goes on; no namespace hangs on Cloudflare.
    if (trouble !== undefined && (trouble.refused || clock.monotonic() - trouble.since >= patience)) return undefined;
    if (trouble === undefined) return RELEASING;
    const stalled = trouble.failing && clock.monotonic() - trouble.since >= STALLED_AFTER_MS;
    return { kind: "waiting", message: trouble.message, failing: stalled };
  }
  const retains = domain.spec.deletionPolicy === "Retain";
  const mayRetain = ledger.classes.get(claim.spec.className ?? "")?.spec.policy.allowRetain === true;
  if (retains && mayRetain && claim.spec.rows.length > 0) {
    await ledger.claims.replace({ ...claim, spec: retained(claim.spec) }, signal);
    return undefined;
  }
  await ledger.claims.replace({ ...claim, spec: { ...claim.spec, state: "Releasing" } }, signal);
  if (retains && !mayRetain) {
    const note = "spec.deletionPolicy is Retain, which the class does not allow: the custom hostname is deleted";
    events.event(domain, "Warning", "RetainNotAllowed", "Delete", note);
  }
  return RELEASING;
}

/**
 * Rules 9 and 13: the claim was deleted by hand while rows of this domain may exist. It comes back as Releasing with the ids
 * that status knows, and the claim controller, which looks before it deletes, does the rest.
 */
async function restore(
  domain: CustomDomain,
  name: string,
  context: FinaliseContext,
  signal: AbortSignal,
): Promise<DomainClaim | undefined> {
  const className = domain.status?.className;
  const rows = rememberedRows(domain, name, context.ledger);
  if (className === undefined || rows.length === 0) return undefined;
  const { namespace = "", name: objectName, uid = "" } = domain.metadata;
  const spec = {
    state: "Releasing" as const,
    domain: name,
    tenant: context.tenant,
    holder: { namespace, name: objectName, uid },
    id: context.id,
    className,
    createdTime: new Date(context.clock.now()).toISOString(),
    rows,
  };
  try {
    return await context.ledger.claims.create(
      { apiVersion: API_VERSION, kind: DOMAIN_CLAIMS.kind, metadata: { name }, spec },
      signal,
    );
  } catch (error) {
    if (isAlreadyExists(error)) throw new TryAgain(`somebody else claimed ${name} meanwhile`);
    throw error;
  }
}
