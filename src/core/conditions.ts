import { type Condition, type ConditionStatus, MAX_MESSAGE } from "../api/v1/conditions.ts";
import type { Reason } from "../api/v1/reasons.ts";

/** What a step found out about one aspect, before it is known when that last changed. */
export interface Finding {
  readonly status: ConditionStatus;
  readonly reason: Reason;
  readonly message: string;
}

/**
 * The conditions list for `findings`, in their order. `lastTransitionTime` changes only with `status`; a type that is
 * undefined or not in `findings` is removed (Reconciling, Stalled and Paused exist only while they are True).
 */
export function conditionsOf(
  previous: readonly Condition[],
  findings: Readonly<Record<string, Finding | undefined>>,
  generation: number,
  now: number,
): Condition[] {
  const conditions: Condition[] = [];
  for (const [type, finding] of Object.entries(findings)) {
    if (finding === undefined) continue;
    const before = findCondition(previous, type);
    const unchanged = before?.status === finding.status;
    conditions.push({
      type,
      status: finding.status,
      observedGeneration: generation,
      lastTransitionTime: unchanged ? before.lastTransitionTime : wholeSeconds(now),
      reason: finding.reason,
      message: truncate(finding.message),
    });
  }
  return conditions;
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** metav1.Time has seconds, no fractions. */
export function wholeSeconds(unixMs: number): string {
  return `${new Date(Math.floor(unixMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** Never cut through a character: the API server would store another one, and every later comparison would find a difference. */
export function truncate(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  const cut = message.slice(0, MAX_MESSAGE - 1);
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`;
}

/**
 * Whether two values differ in anything but the members named in `ignoring`, at any depth. Absent and undefined are the same;
 * the order of members is not significant.
 */
export function differs(a: unknown, b: unknown, ignoring: ReadonlySet<string> = new Set()): boolean {
  if (a === b) return false;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length !== b.length || a.some((item, index) => differs(item, b[index], ignoring));
  if (!isRecord(a) || !isRecord(b)) return true;
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (!ignoring.has(name) && differs(a[name], b[name], ignoring)) return true;
  }
  return false;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
