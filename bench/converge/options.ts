import { parseArgs } from "node:util";
import { STACKS, type Stack } from "./stacks.ts";

export const USAGE = `node bench/converge/main.ts --size N [--runs 3] [--stacks a,b] [--timeout SECONDS] [--target NAME] [--build-only]
stacks: ${STACKS.map(({ name }) => name).join(", ")}`;

export interface Options {
  readonly size: number;
  readonly runs: number;
  readonly stacks: readonly Stack[];
  readonly timeoutMs: number;
  /** Names the file of the results. */
  readonly target: string;
  /** Builds what the stacks need, and no more. */
  readonly buildOnly: boolean;
}

/** @throws Error with a sentence when an option is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: "string", default: "1000" },
      runs: { type: "string", default: "3" },
      stacks: { type: "string", default: STACKS.map(({ name }) => name).join(",") },
      timeout: { type: "string", default: "600" },
      target: { type: "string" },
      "build-only": { type: "boolean", default: false },
    },
  });
  const size = positive("--size", values.size);
  return {
    size,
    runs: positive("--runs", values.runs),
    stacks: values.stacks.split(",").map(stackNamed),
    timeoutMs: positive("--timeout", values.timeout) * 1_000,
    target: values.target ?? `converge-${size}`,
    buildOnly: values["build-only"],
  };
}

function stackNamed(name: string): Stack {
  const stack = STACKS.find((candidate) => candidate.name === name);
  if (stack === undefined) throw new Error(`--stacks: there is no stack "${name}"`);
  return stack;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} must be a positive whole number, not "${text}"`);
  return value;
}
