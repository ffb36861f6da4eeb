import { z } from "zod";
import { canonicalName } from "./names.ts";
import { RECORD_TYPES } from "./records.ts";

/**
 * What goes wrong at one server. `silent` never answers; `truncated` answers over UDP only with TC; `lame` answers without
 * the AA bit; `wrong-id` answers with another transaction id; `dnssec-bogus` answers SERVFAIL unless the query has the CD
 * bit, as a validating resolver does for a name whose signatures are wrong; `referral` sends the asker to the servers of `to`,
 * as a hijacked or expired server does.
 */
export const dnsFaultSchema = z.strictObject({
  /** Name or address of the server. */
  server: z.string(),
  kind: z.enum(["silent", "servfail", "refused", "delay", "truncated", "lame", "wrong-id", "dnssec-bogus", "referral"]),
  /** Only queries for this name or names below it; every query when absent. */
  name: z.string().optional(),
  type: z.enum(RECORD_TYPES).optional(),
  /** For `delay`, milliseconds of the simulator's clock. */
  delayMs: z.number().nonnegative().optional(),
  /** For `referral`: the zone that is said to begin there, and its servers, whose addresses come along. */
  to: z
    .strictObject({
      zone: z.string(),
      nameservers: z.array(z.strictObject({ name: z.string(), address: z.string() })).min(1),
    })
    .optional(),
  /** How many queries it hits; until cleared when absent. */
  times: z.number().int().positive().optional(),
});

export type DnsFault = z.infer<typeof dnsFaultSchema>;

interface ArmedFault {
  readonly fault: DnsFault;
  left: number;
}

export class DnsFaults {
  #armed: ArmedFault[] = [];

  add(fault: DnsFault): void {
    this.#armed.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#armed = [];
  }

  list(): readonly DnsFault[] {
    return this.#armed.map((armed) => armed.fault);
  }

  /** The first fault that matches, used up by one. `name` is canonical. */
  take(server: { readonly name: string; readonly address: string }, name: string, type: string): DnsFault | undefined {
    const armed = this.#armed.find(({ fault }) => {
      if (fault.server !== server.address && canonicalName(fault.server) !== server.name) return false;
      if (fault.type !== undefined && fault.type !== type) return false;
      const only = fault.name === undefined ? undefined : canonicalName(fault.name);
      return only === undefined || name === only || name.endsWith(`.${only}`);
    });
    if (armed === undefined) return undefined;
    armed.left -= 1;
    if (armed.left <= 0) this.#armed = this.#armed.filter((other) => other !== armed);
    return armed.fault;
  }
}
