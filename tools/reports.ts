import { join } from "node:path";

const REPORTS = join(import.meta.dirname, "../.tmp/reports");

/** What the last runs left, each in a file: `make test` all of them, `make demo` the first. */
export const REPORT = {
  /** What a demo told that came to its end. */
  demo: join(REPORTS, "demo.txt"),
  /** Vitest's own, of the suite and of the verdict over it. */
  suite: join(REPORTS, "suite.json"),
  verdict: join(REPORTS, "verdict.json"),
  /** What the verdict has judged, one kind of thing a line. */
  judged: join(REPORTS, "judged.txt"),
} as const;
