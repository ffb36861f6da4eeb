import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainStatus } from "../../api/v1/custom-domain-status.ts";
import { differs, findCondition } from "../../core/conditions.ts";
import { TIMESTAMPS } from "../../core/summarise.ts";
import type { EventRecorder } from "../../kube/events.ts";
import type { Ledger } from "../ledger.ts";

const TIMESTAMPS_EVERY_MS = 300_000;

/** The condition changes that become Events, each once, with the condition's reason. */
const ANNOUNCED = ["Ready", "OwnershipVerified", "Stalled"] as const;

/**
 * Writes the status if anything but timestamps changed, or if a check was made five minutes or more after the one it tells of.
 * Events go out after the write: what they tell can be read in status.
 */
export async function writeStatus(
  domain: CustomDomain,
  status: CustomDomainStatus,
  context: { readonly ledger: { readonly domains: Pick<Ledger["domains"], "replaceStatus"> }; readonly events: EventRecorder },
  signal: AbortSignal,
): Promise<void> {
  const previous = domain.status;
  if (!differs(previous, status)) return;
  if (!differs(previous, status, TIMESTAMPS)) {
    // By the checks' own times: a look at something else, or a slow reconcile, makes them no older.
    const newerMs = Date.parse(status.lastCheckedAt ?? "") - Date.parse(previous?.lastCheckedAt ?? "");
    if (newerMs < TIMESTAMPS_EVERY_MS) return;
  }
  await context.ledger.domains.replaceStatus(domain, status, signal);
  for (const type of ANNOUNCED) announce(domain, type, status, context.events);
}

function announce(
  domain: CustomDomain,
  type: (typeof ANNOUNCED)[number],
  status: CustomDomainStatus,
  events: EventRecorder,
): void {
  const before = findCondition(domain.status?.conditions, type);
  const after = findCondition(status.conditions, type);
  if (after === undefined || (before?.status === after.status && before.reason === after.reason)) return;
  // A new domain that waits for its owner is no news; a live one that stops being live is.
  const good = (after.status === "True") === (type !== "Stalled");
  const firstWait = before === undefined && !good && type !== "Stalled";
  if (firstWait || after.status === "Unknown") return;
  const warning = !good && (type === "Stalled" || before?.status === "True");
  events.event(domain, warning ? "Warning" : "Normal", after.reason, "Reconcile", after.message);
}
