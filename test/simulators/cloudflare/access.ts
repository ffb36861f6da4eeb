import { createHash } from "node:crypto";
import type { Clock } from "../../../src/runtime/clock.ts";
import type { SimulatorRequest } from "../http.ts";
import { APIError } from "./api-error.ts";
import { type Limits, RequestBudget } from "./throttle.ts";

export interface Token {
  readonly value: string;
  /** Permission "SSL and Certificates"; "write" when absent. */
  readonly access?: "write" | "read" | "none";
  /** Zone ids; all when absent. */
  readonly zones?: readonly string[];
  /** Owned by an account rather than a user: `/user/tokens/verify` then refuses it. */
  readonly accountOwned?: boolean;
}

/** Who may call, and how often. */
export class Access {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #tokens = new Map<string, Token>();
  readonly #budgets = new Map<string, RequestBudget>();

  constructor(clock: Clock, limits: Limits, tokens: readonly Token[]) {
    this.#clock = clock;
    this.#limits = limits;
    for (const token of tokens) this.add(token);
  }

  add(token: Token): void {
    this.#tokens.set(token.value, token);
  }

  revoke(value: string): void {
    this.#tokens.delete(value);
  }

  /** Spends one request of the token's budget. Throws as {@link tokenOf}, and 10429 for an exceeded budget. */
  authenticate(request: SimulatorRequest): { readonly token: Token; readonly budget: RequestBudget } {
    const token = this.tokenOf(request);
    const budget = this.#budget(token.value);
    budget.spend();
    return { token, budget };
  }

  /** Throws 1403, 6003 or 1000 for a missing, malformed or unknown token. */
  tokenOf(request: SimulatorRequest): Token {
    const header = request.headers.authorization;
    if (header === undefined) throw new APIError(400, 1403, "No Authorization header was provided.");
    const value = /^Bearer ([!-~]+)$/.exec(header)?.[1];
    if (value === undefined) {
      const chain = [{ code: 6111, message: "Invalid format for Authorization header" }];
      throw new APIError(400, 6003, "Invalid request headers", { chain });
    }
    const token = this.#tokens.get(value);
    if (token === undefined) throw new APIError(401, 1000, "Invalid API Token");
    return token;
  }

  authorize(token: Token, zoneID: string, method: string): void {
    if (token.zones !== undefined && !token.zones.includes(zoneID)) {
      throw new APIError(403, 9109, "Unauthorized to access requested resource");
    }
    const access = token.access ?? "write";
    if (access === "none" || (access === "read" && method !== "GET")) throw new APIError(403, 10000, "Authentication error");
  }

  verifyUserToken(token: Token): Readonly<Record<string, unknown>> {
    if (token.accountOwned === true) throw new APIError(401, 1000, "Invalid API Token");
    return { id: tokenID(token), status: "active" };
  }

  verifyAccountToken(token: Token): Readonly<Record<string, unknown>> {
    if (token.accountOwned !== true) throw new APIError(401, 1000, "Invalid API Token");
    return { id: tokenID(token), status: "active" };
  }

  #budget(value: string): RequestBudget {
    const known = this.#budgets.get(value);
    if (known !== undefined) return known;
    const budget = new RequestBudget(this.#clock, this.#limits);
    this.#budgets.set(value, budget);
    return budget;
  }
}

function tokenID(token: Token): string {
  return createHash("sha256").update(token.value).digest("hex").slice(0, 32);
}
