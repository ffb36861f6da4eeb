import { ANNOTATION_REVALIDATE } from "../../api/v1/group.ts";
import type { CloudflareApi } from "../../cloudflare/api.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import { restartable, restartInput } from "../../cloudflare/hostname.ts";
import { findCondition, wholeSeconds } from "../../core/conditions.ts";
import type { Pass } from "./context.ts";
import type { Provisioned, WantedRow } from "./provision.ts";

const AUTOMATIC_EVERY_MS = 6 * 3_600_000;

/** The rows after a restart, and what status records of it. */
export type Revalidated = Provisioned & {
  readonly revalidated?: { readonly token: string | undefined; readonly at: string | undefined };
};

/**
 * The one PATCH that only restarts Cloudflare's validation: by itself for a row that Cloudflare gave up on (moved, timed out)
 * while DNS is right, at most every six hours; once per token of the revalidate annotation, also for a blocked one. A recheck
 * never gets here (requirement S37).
 */
export async function restartValidation(
  pass: Pass,
  provisioned: Provisioned,
  wanted: readonly WantedRow[],
  { api, now }: { readonly api: CloudflareApi; readonly now: number },
  signal: AbortSignal,
): Promise<Revalidated> {
  const { domain, admission } = pass;
  if (domain.spec.suspend) return provisioned;
  const token = domain.metadata.annotations?.[ANNOTATION_REVALIDATE]?.slice(0, 256);
  const asked = token !== undefined && token !== "" && token !== domain.status?.lastHandledRevalidate;
  const last = Date.parse(domain.status?.lastRevalidatedAt ?? "");
  const rested = Number.isNaN(last) || now - last >= AUTOMATIC_EVERY_MS;
  const dnsRight = findCondition(domain.status?.conditions, "DNSConfigured")?.status === "True";
  const automatic = admission.class.spec.cloudflare.autoRestartValidation && rested && dnsRight;
  const rows = new Map(provisioned.rows);
  const revalidated = { token: asked ? token : domain.status?.lastHandledRevalidate, at: wholeSeconds(now) };
  let restarted = false;
  for (const { wanted: want } of wanted) {
    const row = rows.get(want.hostname);
    const kind = row === undefined ? undefined : restartable(row);
    if (row === undefined || kind === undefined || !(asked || (automatic && kind === "Automatic"))) continue;
    try {
      const { zoneID } = admission.class.spec.cloudflare;
      // The edit is allowed only for a row that this reconcile has seen, and must not rest on an old snapshot.
      const current = await api.get(zoneID, row.id, signal);
      if (current === undefined || restartable(current) === undefined) continue;
      rows.set(want.hostname, await api.edit(zoneID, row.id, restartInput(current, want), signal));
      restarted = true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CloudflareError)) throw error;
      const problem = {
        hostname: want.hostname,
        reason: error.reason,
        message: error.message,
        afterMs: Math.max(1_000, error.retryAfterMs ?? 60_000),
        own: true,
        stalled: false,
      };
      const failed = { ...provisioned, rows, problems: [...provisioned.problems, problem] };
      // A PATCH without an answer may have been carried out: it counts, so that it is not sent every minute.
      return error.ambiguous || restarted ? { ...failed, revalidated } : failed;
    }
  }
  if (!restarted && !asked) return provisioned;
  const message = "Cloudflare was asked to validate again";
  const notes = restarted
    ? [...provisioned.notes, { type: "Normal" as const, reason: "ValidationRestarted" as const, message }]
    : provisioned.notes;
  // A token that found nothing to restart is handled, but no PATCH was sent that the next would have to keep away from.
  const at = restarted ? revalidated.at : undefined;
  return {
    ...provisioned,
    rows,
    notes,
    revalidated: { ...revalidated, at },
  };
}
