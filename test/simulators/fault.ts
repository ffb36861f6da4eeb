import { z } from "zod";
import type { Cancel, Clock } from "../../src/runtime/clock.ts";
import type { SimulatorRequest, SimulatorResponse } from "./http.ts";
import { matchPath } from "./path.ts";

/**
 * What goes wrong with the next matching calls.
 *
 * With `status`, `body` or `html` (and without `apply`) the call is answered by the fault and changes nothing; otherwise it
 * is applied and its answer altered. Delays are milliseconds of the simulator's clock.
 */
export const faultSchema = z.strictObject({
  /** Any method when absent. */
  method: z.string().optional(),
  /** Route pattern as in the counters (`/a/:b`); a last segment `*` matches any rest. */
  path: z.string(),
  /** How many calls it hits; until cleared when absent. */
  times: z.number().int().positive().optional(),
  /** Matching calls let through first. */
  skip: z.number().int().nonnegative().optional(),
  status: z.number().int().min(200).max(599).optional(),
  body: z.unknown().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  /** An HTML page instead of JSON; status 502 unless given. */
  html: z.string().optional(),
  /** Apply the call even though the answer says otherwise. */
  apply: z.boolean().optional(),
  delayBeforeMs: z.number().nonnegative().optional(),
  delayAfterMs: z.number().nonnegative().optional(),
  /** Close the connection without applying the call. */
  dropBefore: z.boolean().optional(),
  /** Apply the call, then close the connection without an answer. */
  dropAfter: z.boolean().optional(),
  /** Apply the call and send only the first half of the answer, as a complete response. */
  truncate: z.boolean().optional(),
});

export type Fault = z.infer<typeof faultSchema>;

export type FaultOutcome = { readonly kind: "respond"; readonly response: SimulatorResponse } | { readonly kind: "drop" };

interface ArmedFault {
  readonly fault: Fault;
  skip: number;
  left: number;
}

export class FaultBook {
  readonly #clock: Clock;
  readonly #waits = new Set<() => void>();
  #armed: ArmedFault[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(fault: Fault): void {
    this.#armed.push({ fault, skip: fault.skip ?? 0, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  /** Also ends the delays in progress. */
  clear(): void {
    this.#armed = [];
    for (const end of [...this.#waits]) end();
  }

  list(): readonly Fault[] {
    return this.#armed.map((armed) => armed.fault);
  }

  /** Runs one call through the first fault that matches it. */
  async run(request: SimulatorRequest, apply: () => Promise<SimulatorResponse>): Promise<FaultOutcome> {
    const fault = this.#take(request);
    if (fault === undefined) return { kind: "respond", response: await apply() };
    if (fault.delayBeforeMs !== undefined) await this.#wait(fault.delayBeforeMs);
    if (fault.dropBefore === true) return { kind: "drop" };
    const canned = cannedAnswer(fault);
    const applied = canned === undefined || fault.apply === true || fault.dropAfter === true ? await apply() : undefined;
    if (fault.delayAfterMs !== undefined) await this.#wait(fault.delayAfterMs);
    if (fault.dropAfter === true) return { kind: "drop" };
    const answer = canned ?? applied ?? { status: 500 };
    const response = { ...answer, headers: { ...answer.headers, ...fault.headers } };
    return { kind: "respond", response: fault.truncate === true ? truncated(response) : response };
  }

  #take(request: SimulatorRequest): Fault | undefined {
    for (const armed of this.#armed) {
      if (armed.fault.method !== undefined && armed.fault.method !== request.method) continue;
      if (matchPath(armed.fault.path, request.path) === undefined) continue;
      if (armed.skip > 0) {
        armed.skip -= 1;
        continue;
      }
      armed.left -= 1;
      if (armed.left <= 0) this.#armed = this.#armed.filter((other) => other !== armed);
      return armed.fault;
    }
    return undefined;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      let cancel: Cancel | undefined;
      const end = () => {
        cancel?.();
        this.#waits.delete(end);
        resolve();
      };
      this.#waits.add(end);
      cancel = this.#clock.setTimer(ms, end);
    });
  }
}

function cannedAnswer(fault: Fault): SimulatorResponse | undefined {
  if (fault.html !== undefined) {
    return { status: fault.status ?? 502, body: fault.html, headers: { "content-type": "text/html" } };
  }
  if (fault.status === undefined && fault.body === undefined) return undefined;
  return { status: fault.status ?? 200, body: fault.body };
}

function truncated(response: SimulatorResponse): SimulatorResponse {
  const text = typeof response.body === "string" ? response.body : JSON.stringify(response.body ?? {});
  return {
    ...response,
    body: text.slice(0, Math.floor(text.length / 2)),
    headers: { "content-type": "application/json", ...response.headers },
  };
}
