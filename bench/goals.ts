import type { Results } from "./converge/results.ts";
import type { RunResult } from "./converge/run.ts";
import type { Figure } from "./figures/report.ts";
import { median } from "./figures/statistics.ts";

export interface Judgement {
  readonly goal: string;
  readonly wanted: string;
  readonly measured: string;
  readonly met: boolean;
}

type Value = (run: RunResult) => number;

/** Every goal whose figures were measured, against the medians; a goal without figures is left out. */
export function judgeGoals(convergences: readonly Results[], figures: readonly Figure[]): readonly Judgement[] {
  const at = (size: number): Results | undefined => convergences.find((results) => results.size === size);
  const time: Value = ({ convergeSeconds }) => convergeSeconds;
  const cpu: Value = ({ cpuSeconds }) => cpuSeconds;
  const memory: Value = ({ peakRssBytes }) => peakRssBytes / 1e6;
  const value = (name: string, key: string): number | undefined => figures.find((figure) => figure.name === name)?.values[key];
  return [
    ratio("converge 5,000, of controller-runtime's time", at(5_000), time, "controller-runtime", 0.5),
    ratio("converge 5,000, of kube-rs's time", at(5_000), time, "kube-rs", 0.85),
    ratio("CPU for 5,000, of controller-runtime's", at(5_000), cpu, "controller-runtime", 0.5),
    ratio("CPU for 5,000, of kube-rs's", at(5_000), cpu, "kube-rs", 1.25),
    ratio("writes per second at 5,000, of a bare loop's", at(5_000), (run) => run.writesPerSecond, "bare-loop", 0.9, "least"),
    ratio("peak memory at 20,000, of controller-runtime's", at(20_000), memory, "controller-runtime", 1),
    limit("p99 of an edit while 20,000 resync", value("edit-latency", "p99"), 50, "ms"),
    limit("failover after SIGTERM", value("failover", "gracefulSeconds"), 5, "s"),
    limit("failover after SIGKILL", value("failover", "killedSeconds"), 17, "s"),
    limit("memory with 50,000 idle Widgets", value("idle-memory", "rssMebibytes"), 300, "MiB"),
  ].filter((judgement) => judgement !== undefined);
}

function ratio(
  goal: string,
  results: Results | undefined,
  value: Value,
  peer: string,
  bound: number,
  kind: "most" | "least" = "most",
): Judgement | undefined {
  const of = (name: string): number | undefined => {
    const runs = results?.stacks[name]?.runs ?? [];
    return runs.length === 0 ? undefined : median(runs.map(value));
  };
  const [ours, theirs] = [of("ours"), of(peer)];
  if (ours === undefined || theirs === undefined) return undefined;
  const measured = ours / theirs;
  return {
    goal,
    wanted: `${kind === "most" ? "≤" : "≥"} ${bound}`,
    measured: `${measured.toFixed(2)} (${ours.toFixed(2)} / ${theirs.toFixed(2)})`,
    met: kind === "most" ? measured <= bound : measured >= bound,
  };
}

function limit(goal: string, measured: number | undefined, bound: number, unit: string): Judgement | undefined {
  if (measured === undefined) return undefined;
  return { goal, wanted: `≤ ${bound} ${unit}`, measured: `${measured.toFixed(1)} ${unit}`, met: measured <= bound };
}
