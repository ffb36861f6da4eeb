import type { FaultTally } from "./fault-book.ts";
import { FAULT_KINDS, type FaultKind } from "./fault-kinds.ts";
import type { Recovery } from "./probe-edits.ts";
import type { Verdict } from "./verdict.ts";

export interface RecoveryFigures {
  readonly edits: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** How often each kind struck, zero included. */
export function histogram(tally: FaultTally): Record<FaultKind, number> {
  return Object.fromEntries(FAULT_KINDS.map((kind) => [kind, tally.count(kind)])) as Record<FaultKind, number>;
}

export function figuresOf(recoveries: readonly Recovery[], kind?: FaultKind): RecoveryFigures | undefined {
  const times = recoveries
    .filter((recovery) => kind === undefined || recovery.kind === kind)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.ceil(times.length * share) - 1)] ?? 0;
  return times.length === 0 ? undefined : { edits: times.length, median: at(0.5), p99: at(0.99), max: at(1) };
}

/** One line per kind: how often it struck, and how long recoveries took. */
export function faultLines(tally: FaultTally, recoveries: readonly Recovery[]): string[] {
  const counts = histogram(tally);
  const width = Math.max(...FAULT_KINDS.map((kind) => kind.length));
  const line = (name: string, count: number, figures: RecoveryFigures | undefined): string => {
    const times = figures === undefined ? "" : [figures.median, figures.p99, figures.max].map(seconds).join("");
    return `${name.padEnd(width)}${String(count).padStart(7)}${String(figures?.edits ?? 0).padStart(7)}${times}`;
  };
  return [
    `${"fault".padEnd(width)}  fired  edits   median      p99      max`,
    ...FAULT_KINDS.map((kind) => line(kind, counts[kind], figuresOf(recoveries, kind))),
    line("all", tally.count(), figuresOf(recoveries)),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`.padStart(9);
}

/** What was judged, and each thing that is wrong. */
export function verdictLines(verdict: Verdict): string[] {
  const judged = (name: string, findings: readonly string[]): string[] => [
    `${findings.length === 0 ? "ok  " : "FAIL"} ${findings.length} ${name}`,
    ...findings.slice(0, 20).map((finding) => `       ${finding}`),
  ];
  return [
    ...judged("lost changes", verdict.lostChanges),
    ...judged("duplicate rows", verdict.duplicateRows),
    ...judged("double charges", verdict.doubleCharges),
    ...judged("unhandled rejections or unexpected ends", verdict.unhandled),
    ...judged(`statuses against the rules, of ${verdict.statusesJudged}`, verdict.statuses),
  ];
}

export function isClean(verdict: Verdict): boolean {
  const { lostChanges, duplicateRows, doubleCharges, unhandled, statuses } = verdict;
  return [lostChanges, duplicateRows, doubleCharges, unhandled, statuses].every((findings) => findings.length === 0);
}
