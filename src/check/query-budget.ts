import type { DnsFailure } from "./dns.ts";

/** What stands in for the answer to a question that was not put. */
export const NOT_ASKED: DnsFailure = { kind: "failure", reason: "NotAsked", message: "was not asked any more" };

/**
 * How many questions one look may put to servers, resolvers among them; a packet that is sent again because it was lost, or by
 * TCP because the answer was long, belongs to its question. Names, delegations and aliases are made by strangers, and each can
 * lead to another. Nothing is concluded from what was left out: whoever meets {@link NOT_ASKED} knows nothing.
 */
export class QueryBudget {
  #left: number;

  constructor(questions: number) {
    this.#left = questions;
  }

  take(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
