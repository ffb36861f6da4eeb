import { median } from "../figures/statistics.ts";
import { type ApiRequests, totalOf } from "./api-metrics.ts";
import type { Results, StackResults } from "./results.ts";
import type { RunResult } from "./run.ts";

const MEGABYTE = 1e6;
const NONE = "–";

interface Column {
  readonly title: string;
  readonly cell: (runs: readonly RunResult[], size: number) => string;
}

/** Medians, where not said otherwise. */
const COLUMNS: readonly Column[] = [
  { title: "converge s", cell: (runs) => middle(runs, (run) => run.convergeSeconds, 2) },
  { title: "min–max", cell: (runs) => spread(runs.map((run) => run.convergeSeconds)) },
  { title: "writes/s", cell: (runs) => middle(runs, (run) => run.writesPerSecond, 0) },
  { title: "CPU s", cell: (runs) => middle(runs, (run) => run.cpuSeconds, 2) },
  { title: "CPU s in all", cell: (runs) => middle(runs, (run) => run.cpuSecondsInAll, 2) },
  { title: "peak RSS MB", cell: (runs) => middle(runs, (run) => run.peakRssBytes / MEGABYTE, 0) },
  { title: "requests each", cell: (runs, size) => middle(runs, (run) => totalOf(run.requests) / size, 2) },
  { title: "API server CPU s", cell: (runs) => middle(runs, (run) => run.serverCpuSeconds, 2) },
  { title: "connections", cell: (runs) => middle(runs, (run) => run.peakConnections, 0) },
  { title: "external calls", cell: (runs) => middle(runs, (run) => run.externalCalls, 0) },
  { title: "delete s", cell: (runs) => middle(runs, (run) => run.deleteSeconds, 2) },
];

/** One row for each stack, as a Markdown table, with what each stack is and which requests it made below. */
export function describeResults({ size, machine, kubernetes, stacks }: Results): string {
  const rows = Object.entries(stacks).map(([name, { runs }]) => [name, ...COLUMNS.map(({ cell }) => cell(runs, size))]);
  const head = ["stack", ...COLUMNS.map(({ title }) => title)];
  const title = `${size} Widgets, ${machine.cpus} CPUs, ${machine.memoryGB} GB of memory, Kubernetes ${kubernetes}; medians.`;
  const stackLines = Object.entries(stacks).map(([name, results]) => `- ${name}: ${describeStack(results, size)}`);
  return `${title}\n\n${tableOf([head, ...rows])}\n${stackLines.join("\n")}\n`;
}

function describeStack({ version, settings, runs, failures }: StackResults, size: number): string {
  const requests = runs[0] === undefined ? [] : [`Requests for each Widget: ${verbsOf(runs[0].requests, size)}`];
  const removal = runs[0]?.deletionRequests === undefined ? [] : [`to delete it: ${verbsOf(runs[0].deletionRequests, size)}`];
  const refused = runs.map((run) => run.requests.errors + (run.deletionRequests?.errors ?? 0));
  const errors = refused.some((count) => count > 0) ? [`refused requests by run: ${refused.join(", ")}`] : [];
  const sentences = [
    `${runs.length} runs`,
    ...failures.map((failure) => `FAILED: ${failure}`),
    ...requests,
    ...removal,
    ...errors,
  ];
  return [version, ...settings, ...sentences].join("; ");
}

function verbsOf({ byVerb }: ApiRequests, size: number): string {
  const verbs = Object.entries(byVerb).toSorted(([, a], [, b]) => b - a);
  const shown = verbs.filter(([, count]) => count / size >= 0.01);
  const rest = verbs.slice(shown.length).map(([verb, count]) => `${count} ${verb} in all`);
  return [...shown.map(([verb, count]) => `${(count / size).toFixed(2)} ${verb}`), ...rest].join(", ");
}

function middle(runs: readonly RunResult[], value: (run: RunResult) => number | undefined, places: number): string {
  const values = runs.map(value).filter((found) => found !== undefined);
  return values.length === 0 ? NONE : median(values).toFixed(places);
}

function spread(values: readonly number[]): string {
  return values.length === 0 ? NONE : `${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)}`;
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  const [head = [], ...body] = rows;
  return `${[line(head), rule, ...body.map(line)].join("\n")}\n`;
}
