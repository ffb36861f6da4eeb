import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../.tmp/evidence");

/** Where everything is kept that the checks over the whole suite judge: one directory per control plane that ran. */
export function evidenceRoot(): string {
  return process.env.EVIDENCE_DIRECTORY ?? ROOT;
}

export async function evidenceDirectory(name: string): Promise<string> {
  await mkdir(evidenceRoot(), { recursive: true });
  return mkdtemp(join(evidenceRoot(), `${name}-`));
}

/** The files of an evidence directory; test/verdict reads them. */
export const EVIDENCE = {
  /** {@link Declared}; written at the start. */
  environment: "environment.json",
  /** The API server's. Like counters.json and secrets.json, there once the environment was stopped. */
  audit: "audit.log",
  /** What the simulators counted. */
  counters: "counters.json",
  /** Values, by name, that may not appear in anything that the operator writes. */
  secrets: "secrets.json",
  /** Everything that the operator's processes wrote, of all restarts. */
  log: "operator.log",
  /** One line per idle window. */
  idle: "idle.jsonl",
} as const;

/** Something that a test provokes on purpose and that would otherwise be held against the operator. */
export interface Allowance {
  /** A part of the finding, as the verdict words it. */
  readonly finding: string;
  readonly because: string;
}

/** What a test says of its environment before it starts. */
export interface Declared {
  /** The name of the test file, or that and a suffix. */
  readonly name: string;
  readonly allow: readonly Allowance[];
}
