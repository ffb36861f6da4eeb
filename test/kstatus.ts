import {
  ABNORMAL_CONDITIONS,
  BILLING_ACCOUNT_CONDITIONS,
  CUSTOM_DOMAIN_CLASS_CONDITIONS,
  CUSTOM_DOMAIN_CONDITIONS,
  CUSTOM_DOMAIN_ROUTE_CONDITIONS,
} from "../src/api/v1/conditions.ts";
import type { ReasonDescription } from "../src/api/v1/reason-description.ts";
import { isReason, reasonCatalogue } from "../src/api/v1/reasons.ts";

/** An object as the API server stored it; whatever is in `status` is for the checker to judge. */
export interface ReportedObject {
  /** Without it nothing is asked that depends on the kind. */
  readonly kind?: string;
  readonly metadata: { readonly generation: number; readonly deletionTimestamp?: string };
  readonly status?: unknown;
}

interface ReportedCondition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string;
}

interface ReportedStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly ReportedCondition[];
}

/** The conditions that a kind always has. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  CustomDomain: CUSTOM_DOMAIN_CONDITIONS,
  CustomDomainClass: CUSTOM_DOMAIN_CLASS_CONDITIONS,
  BillingAccount: BILLING_ACCOUNT_CONDITIONS,
  CustomDomainRoute: CUSTOM_DOMAIN_ROUTE_CONDITIONS,
};
const ABNORMAL: ReadonlySet<string> = new Set(ABNORMAL_CONDITIONS);
/** They repeat the reason of the condition that holds the object back. */
const REPEATING: ReadonlySet<string> = new Set(["Ready", "Reconciling", "Stalled"]);

const TYPE = /^[A-Z][A-Za-z0-9]*$/;
const REASON = /^[A-Z][A-Za-z0-9]*$/;
/** metav1.Time: whole seconds, UTC. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/**
 * What is wrong with a status, by the rules that Kubernetes tools rely on (empty: nothing): kstatus, as fluxcd/pkg
 * runtime/conditions/check words it (FAIL0001 to FAIL0011), metav1.Condition, and the catalogue of reasons.
 *
 * FAIL0010 is left out. It wants status.observedGeneration to lag behind Reconciling's until the work is done, as Flux writes
 * it; here one write says everything about one generation, so all of them are equal (which FAIL0009 asks for when Ready).
 */
export function kstatusProblems(object: ReportedObject): string[] {
  const status = statusOf(object);
  const conditions = status.conditions ?? [];
  return [
    ...conditions.flatMap((condition) => conditionProblems(condition, object)),
    ...presenceProblems(conditions, object.kind),
    ...readyProblems(conditions),
    ...generationProblems(status, object.metadata.generation),
  ];
}

function statusOf({ status }: ReportedObject): ReportedStatus {
  // A parse boundary: every member is optional and looked at before it is used.
  return typeof status === "object" && status !== null ? (status as ReportedStatus) : {};
}

function conditionProblems(condition: ReportedCondition, { kind }: ReportedObject): string[] {
  const { type = "", status = "", reason = "", message = "", lastTransitionTime = "" } = condition;
  const problems: string[] = [];
  if (!TYPE.test(type)) problems.push(`'${type}' must be a CamelCase condition type`);
  if (!["True", "False", "Unknown"].includes(status)) problems.push(`${type}: status '${status}' must be True, False or Unknown`);
  if (!TIME.test(lastTransitionTime)) problems.push(`${type}: lastTransitionTime '${lastTransitionTime}' must be a time`);
  if (message.trim() === "") problems.push(`${type}: a message must say what is the matter`);
  if (!REASON.test(reason)) problems.push(`${type}: reason '${reason}' must be a CamelCase word`);
  else if (!isReason(reason)) problems.push(`${type}: reason ${reason} must be in the catalogue`);
  else if (!isSeenOn(reasonCatalogue[reason], type, kind)) {
    problems.push(`${type}: reason ${reason} must name ${type} among where it is seen`);
  }
  if (ABNORMAL.has(type) && status !== "True") problems.push(`${type} must be absent unless True`);
  return problems;
}

function isSeenOn({ on }: ReasonDescription, type: string, kind: string | undefined): boolean {
  const sightings: readonly string[] = on;
  if (type === "Paused") return kind === undefined || sightings.includes(`${kind} Paused`);
  if (!REPEATING.has(type)) return sightings.includes(type);
  if (kind === undefined) return sightings.some((sighting) => sighting !== "Event");
  const own = EXPECTED[kind] ?? [];
  return sightings.some((sighting) => sighting === `${kind} ${type}` || sighting === `${kind} Ready` || own.includes(sighting));
}

function presenceProblems(conditions: readonly ReportedCondition[], kind: string | undefined): string[] {
  const types = conditions.map(({ type = "" }) => type);
  const problems = [...new Set(types.filter((type, index) => types.indexOf(type) !== index))].map(
    (type) => `${type} must be there once`,
  );
  if (!types.includes("Ready")) problems.push("FAIL0002: Ready must be present");
  const expected = EXPECTED[kind ?? ""];
  if (expected === undefined) return problems;
  const missing = expected.filter((type) => type !== "Ready" && !types.includes(type));
  const foreign = types.filter((type) => !expected.includes(type) && !ABNORMAL.has(type));
  return [
    ...problems,
    ...missing.map((type) => `${type} must be present on a ${kind}`),
    ...foreign.map((type) => `${type} must not be on a ${kind}`),
  ];
}

function readyProblems(conditions: readonly ReportedCondition[]): string[] {
  const statusOfType = (type: string) => conditions.find((condition) => condition.type === type)?.status;
  const ready = statusOfType("Ready");
  const reconciling = statusOfType("Reconciling");
  const stalled = statusOfType("Stalled");
  const problems: string[] = [];
  if (ready === "True" && (reconciling === "True" || stalled === "True"))
    problems.push("FAIL0001: Ready must not be True beside Reconciling or Stalled");
  // FAIL0011 asks for Reconciling beside Unknown, so FAIL0003 can only mean "not True".
  if (reconciling === "True" && ready === "True") problems.push("FAIL0003: Ready must not be True while Reconciling");
  if (stalled === "True" && ready !== undefined && ready !== "False")
    problems.push("FAIL0004: Ready must be False while Stalled");
  if (reconciling !== undefined && stalled !== undefined)
    problems.push("FAIL0005: Reconciling and Stalled must not both be present");
  if (ready === "Unknown" && reconciling !== "True") problems.push("FAIL0011: Reconciling must be True while Ready is Unknown");
  return problems;
}

function generationProblems({ observedGeneration: root, conditions = [] }: ReportedStatus, generation: number): string[] {
  if (root === undefined) return ["status.observedGeneration must be present"];
  const problems: string[] = [];
  const ready = conditions.find(({ type }) => type === "Ready")?.status === "True";
  if (root > generation) problems.push(`FAIL0006: observedGeneration ${root} must not be above generation ${generation}`);
  if (ready && root < generation) problems.push(`FAIL0007: Ready must not be True at ${root} of generation ${generation}`);
  for (const { type = "", observedGeneration } of conditions) {
    if (observedGeneration === undefined) problems.push(`${type}: observedGeneration must be present`);
    else if (observedGeneration !== root)
      problems.push(`${ready ? "FAIL0009: " : ""}${type}: observedGeneration ${observedGeneration} must be status' ${root}`);
    if (ready && observedGeneration !== undefined && observedGeneration < generation)
      problems.push(`FAIL0008: Ready must not be True while ${type} is at ${observedGeneration} of generation ${generation}`);
  }
  return problems;
}

/** One write of an object's status. */
export interface StatusWrite extends ReportedObject {
  /** When the API server received it, Unix milliseconds of real time. */
  readonly at?: number;
}

/**
 * A transition is stamped with whole seconds, so a second one within the same second carries the same time. The time from the
 * decision to its request counts in.
 */
const SAME_STAMP_MS = 2_000;

/**
 * What is wrong between the writes of one object, oldest first: lastTransitionTime must change with status and with nothing
 * else, and never go back. Conditions that come and go (Reconciling, Stalled, Paused) start anew each time.
 */
export function kstatusSequenceProblems(writes: readonly StatusWrite[]): string[] {
  return writes.flatMap((write, index) => {
    const before = writes[index - 1];
    if (before === undefined) return [];
    const previous = statusOf(before).conditions ?? [];
    return (statusOf(write).conditions ?? []).flatMap((condition) => {
      const old = previous.find(({ type }) => type === condition.type);
      const problem = old === undefined ? undefined : transitionProblem(old, condition, elapsed(before, write));
      return problem === undefined ? [] : [`write ${index + 1}: ${problem}`];
    });
  });
}

function elapsed(before: StatusWrite, after: StatusWrite): number {
  return before.at === undefined || after.at === undefined ? Number.POSITIVE_INFINITY : after.at - before.at;
}

function transitionProblem(before: ReportedCondition, after: ReportedCondition, elapsedMs: number): string | undefined {
  const { type = "", status, lastTransitionTime: time = "" } = after;
  const { status: oldStatus, lastTransitionTime: oldTime = "" } = before;
  if (status === oldStatus)
    return time === oldTime ? undefined : `${type} stayed ${status}, so lastTransitionTime ${oldTime} must not become ${time}`;
  const change = `${type} went from ${oldStatus} to ${status}`;
  // Times of this form sort as text.
  if (time < oldTime) return `${change}, so lastTransitionTime must not go back from ${oldTime} to ${time}`;
  if (time === oldTime && elapsedMs >= SAME_STAMP_MS) return `${change}, so lastTransitionTime ${time} must change`;
  return undefined;
}
