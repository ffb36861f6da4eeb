import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";

const RESULTS = join(import.meta.dirname, "..", "results");

export interface Figure {
  /** Also the name of the file. */
  readonly name: string;
  readonly title: string;
  /** What was measured and how, a sentence or two. */
  readonly method: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** The figures that goals are about, by name. */
  readonly values: Readonly<Record<string, number>>;
}

/** Prints a figure as a table and keeps it as `bench/results/<name>.json`. The machine is named by its size only. */
export async function report(figure: Figure): Promise<void> {
  const machine = { cpus: availableParallelism(), memoryGB: Math.round(totalmem() / 2 ** 30), node: process.version };
  const file = { ...figure, machine, at: new Date().toISOString() };
  process.stdout.write(`\n${figure.title}\n${figure.method}\n\n${tableOf(figure)}\n`);
  await mkdir(RESULTS, { recursive: true });
  await writeFile(join(RESULTS, `${figure.name}.json`), `${JSON.stringify(file, null, 2)}\n`);
}

function tableOf({ columns, rows }: Figure): string {
  const cells = [columns, ...rows.map((row) => row.map(String))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const isNumber = columns.map((_, column) => rows.every((row) => typeof row[column] === "number"));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return `${cells.map(line).join("\n")}\n`;
}
