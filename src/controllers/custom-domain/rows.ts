import { mayProvision } from "../../core/claim.ts";
import type { Finding } from "../../core/conditions.ts";
import { TryAgain } from "../../runtime/controller.ts";
import type { KeyedLock } from "../../runtime/keyed-lock.ts";
import { knownTenant, type Ledger } from "../ledger.ts";
import { isBillable } from "./billing.ts";
import type { DnsView } from "./check.ts";
import type { CustomDomainContext, Pass } from "./context.ts";
import { type Provisioned, provision, type WantedRow } from "./provision.ts";
import { RefusedEdits } from "./refused-edits.ts";

const BUSY_MS = 1_000;

/** Whether this pass may create rows, then claims rule 6. */
export async function provisionRows(
  pass: Pass,
  { ledger, providers, clock, locks }: CustomDomainContext,
  wanted: readonly WantedRow[],
  before: DnsView | undefined,
  signal: AbortSignal,
): Promise<Provisioned> {
  const { claim, claimant, admission, domain, due, refusals } = pass;
  const found = admission.class;
  const keyOf = (hostname: string): string => `${claimant.uid}/${hostname}`;
  const basis = `${domain.metadata.generation}/${found.metadata.generation}`;
  const provider = providers.cloudflare(found.metadata.name);
  if (provider.kind === "unavailable") {
    const problem = {
      hostname: admission.names.name,
      reason: provider.reason,
      message: provider.message,
      afterMs: 60_000,
      own: false,
      stalled: false,
    };
    return { claim, rows: new Map(), problems: [problem], notes: [] };
  }
  const { session } = provider;
  const hostnames = [
    ...new Set([...wanted.map(({ wanted: want }) => want.hostname), ...claim.spec.rows.map((row) => row.hostname)]),
  ];
  for (const hostname of hostnames) session.snapshot.watch(hostname);
  const { proof, provision: policy } = found.spec.ownership;
  const pointsAtUs = before?.pointsAtUs;
  const allowed = mayProvision({
    claim: claim.spec,
    claimant,
    proof,
    provision: policy,
    pointsAtUs,
    contenders: contenders(pass, ledger),
    now: clock.now(),
  });
  const fresh = due.kind === "now" && due.fresh;
  const calls = {
    subject: `CustomDomain/${claimant.namespace}/${claimant.name}`,
    why: fresh ? "recheck" : "reconcile",
    hostnames,
    priority: fresh ? "user" : "normal",
  } as const;
  const api = session.api(calls);
  const mayCreate = allowed && !domain.spec.suspend && isBillable(pass, ledger);
  const context = {
    ledger,
    class: found,
    api,
    apiOf: (zoneID: string) => (zoneID === session.zoneID ? api : providers.zone(zoneID)?.api(calls)),
    snapshot: session.snapshot,
    mayCreate,
    mayChange: !domain.spec.suspend,
    fresh,
    now: () => clock.now(),
    // Somebody who asks for a check wants it tried now.
    refused: (hostname: string) => (fresh ? undefined : refusals.standing(keyOf(hostname), basis, clock.monotonic())),
    edits: new RefusedEdits(refusals, { holder: claimant.uid, basis, now: clock.monotonic() }),
    createWaitMs: (hostname: string) =>
      session.budget.waitFor({ kind: "create", priority: fresh ? "user" : "normal", key: hostname }),
  };
  const unlock = lockTwins(hostnames, claim.metadata.name, locks);
  const provisioned = await provision(claim, wanted, context, signal).finally(unlock);
  for (const problem of provisioned.problems) {
    if (problem.own) refusals.note(keyOf(problem.hostname), basis, problem, clock.monotonic());
  }
  for (const hostname of provisioned.rows.keys()) refusals.forget(keyOf(hostname));
  return provisioned;
}

/** W2 for the twin: `www.<apex>` may be a claim of its own, whose release must not come upon a row that is not recorded yet. */
function lockTwins(hostnames: readonly string[], name: string, locks: KeyedLock): () => void {
  const held: (() => void)[] = [];
  const unlock = (): void => {
    for (const release of held) release();
  };
  for (const hostname of hostnames) {
    if (hostname === name) continue;
    const release = locks.tryAcquire(hostname);
    if (release === undefined) {
      unlock();
      throw new TryAgain(`${hostname} is being worked on`, BUSY_MS);
    }
    held.push(release);
  }
  return unlock;
}

function contenders({ admission, claimant }: Pass, ledger: Ledger): number {
  return ledger.domains.store
    .byIndex("domain", admission.names.name)
    .filter(
      (other) =>
        other.metadata.deletionTimestamp === undefined && knownTenant(ledger, other.metadata.namespace ?? "") !== claimant.tenant,
    ).length;
}

/** HostnameActive while there is no row although nothing went wrong. */
export function waitingFor(pass: Pass, ledger: Ledger): Finding {
  const { domain, admission, claim } = pass;
  if (domain.spec.suspend)
    return { status: "False", reason: "Suspended", message: "spec.suspend is true: no hostname is created." };
  if (!isBillable(pass, ledger)) {
    const message = `Namespace ${domain.metadata.namespace} has no BillingAccount ${admission.class.metadata.name}, and its free domains are used: an administrator creates one`;
    return { status: "False", reason: "NoBillingAccount", message };
  }
  if (claim.spec.state === "Pending") {
    return {
      status: "False",
      reason: "AwaitingProof",
      message: "The hostname is created at Cloudflare once ownership is proven.",
    };
  }
  return { status: "False", reason: "Provisioning", message: "The hostname is being created at Cloudflare." };
}
