import { z } from "zod";

/** Faults that can be planted to see the demo fail: at a name server, or at Chargebee. */
export type Break = "dns" | "billing";

export interface DemoOptions {
  readonly break: Break | undefined;
  /** Leaves everything running at the end, until Ctrl-C. */
  readonly keep: boolean;
  /** How long one step of the story may take. */
  readonly stepDeadlineMs: number;
  /** The name under which to leave what the verdict over the test suite judges: the audit log, the operator's log, the simulators' counts. */
  readonly evidence: string | undefined;
}

const DEFAULT_STEP_SECONDS = 120;

const environmentSchema = z.object({
  DEMO_BREAK: z.enum(["dns", "billing"], { error: "must be dns or billing" }).optional(),
  KEEP: z.enum(["0", "1"], { error: "must be 1, or absent" }).optional(),
  DEMO_STEP_SECONDS: z.coerce.number({ error: "must be a number of seconds" }).int().min(1).max(3600).optional(),
  DEMO_EVIDENCE: z
    .string()
    .regex(/^[a-z0-9-]+$/, { error: "must be a name of a-z, 0-9 and -" })
    .optional(),
});

/** Reads DEMO_BREAK, KEEP, DEMO_STEP_SECONDS and DEMO_EVIDENCE; empty is absent. Returns a sentence when one of them is wrong. */
export function demoOptions(environment: Readonly<Record<string, string | undefined>>): DemoOptions | string {
  const { DEMO_BREAK, KEEP, DEMO_STEP_SECONDS, DEMO_EVIDENCE } = environment;
  const parsed = environmentSchema.safeParse({
    DEMO_BREAK: DEMO_BREAK || undefined,
    KEEP: KEEP || undefined,
    DEMO_STEP_SECONDS: DEMO_STEP_SECONDS || undefined,
    DEMO_EVIDENCE: DEMO_EVIDENCE || undefined,
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${String(issue?.path[0])} ${issue?.message}`;
  }
  return {
    break: parsed.data.DEMO_BREAK,
    keep: parsed.data.KEEP === "1",
    stepDeadlineMs: (parsed.data.DEMO_STEP_SECONDS ?? DEFAULT_STEP_SECONDS) * 1_000,
    evidence: parsed.data.DEMO_EVIDENCE,
  };
}
