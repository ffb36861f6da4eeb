import type { Clock } from "../runtime/clock.ts";
import type {
  CloudflareApi,
  Created,
  CreateInput,
  EditInput,
  FallbackOrigin,
  Page,
  PageQuery,
  Quota,
  TokenState,
} from "./api.ts";
import { type RequestBudget, type RequestKind, refusal } from "./budget.ts";
import type { Priority } from "./create-line.ts";
import { CloudflareError, refusedLocally } from "./errors.ts";
import type { FailureGate } from "./failure-gate.ts";
import { type MutationLog, type MutationRecord, summarise } from "./mutation-log.ts";
import type { CustomHostname } from "./row.ts";

/** On whose behalf, and why, calls are made: one per reconcile. */
export interface CallContext {
  /** `Kind/namespace/name`. */
  readonly subject: string;
  readonly why: string;
  /** The only hostnames that may be created, edited or deleted. */
  readonly hostnames: readonly string[];
  readonly priority: Priority;
}

export interface GuardedApiOptions {
  readonly api: CloudflareApi;
  readonly budget: RequestBudget;
  readonly gate: FailureGate;
  readonly log: MutationLog;
  readonly clock: Clock;
  /** Throws unless this process is the leader right now. */
  readonly assertMayWrite: () => void;
  readonly context: CallContext;
  /** Told of every single row that a call returned, and of every id that is unknown to Cloudflare or was deleted. */
  readonly onRow: (row: CustomHostname) => void;
  readonly onGone: (id: string) => void;
}

/**
 * The one place through which every call goes. Guarantees: no call outside the budget (RateLimited without a status is ours, with
 * the time to come back); no call that the zone is known to refuse; a write only while leading, checked right before it; an edit or
 * delete only of a row that this object has seen in an answer, under a hostname of the context; every write recorded.
 * Lives for one reconcile: what was seen is not kept longer.
 */
export class GuardedApi implements CloudflareApi {
  readonly #options: GuardedApiOptions;
  readonly #seen = new Map<string, CustomHostname>();

  constructor(options: GuardedApiOptions) {
    this.#options = options;
  }

  async findByHostname(zoneID: string, hostname: string, signal: AbortSignal): Promise<readonly CustomHostname[]> {
    const rows = await this.#gated("read", signal, () => this.#options.api.findByHostname(zoneID, hostname, signal));
    for (const row of rows) this.#remember(row);
    return rows;
  }

  async get(zoneID: string, id: string, signal: AbortSignal): Promise<CustomHostname | undefined> {
    const row = await this.#gated("read", signal, () => this.#options.api.get(zoneID, id, signal));
    if (row === undefined) this.#forget(id);
    else this.#remember(row);
    return row;
  }

  listPage(zoneID: string, query: PageQuery, signal: AbortSignal): Promise<Page> {
    return this.#gated("read", signal, () => this.#options.api.listPage(zoneID, query, signal));
  }

  dcvDelegationUuid(zoneID: string, signal: AbortSignal): Promise<string> {
    return this.#gated("read", signal, () => this.#options.api.dcvDelegationUuid(zoneID, signal));
  }

  // The class's own checks are how a repaired zone is noticed: they pass by the gate, and open it.

  async fallbackOrigin(zoneID: string, signal: AbortSignal): Promise<FallbackOrigin | undefined> {
    const origin = await this.#watched(() =>
      this.#budgeted("read", signal, () => this.#options.api.fallbackOrigin(zoneID, signal)),
    );
    this.#options.gate.open("all");
    return origin;
  }

  async quota(zoneID: string, signal: AbortSignal): Promise<Quota> {
    const quota = await this.#watched(() => this.#budgeted("read", signal, () => this.#options.api.quota(zoneID, signal)));
    this.#options.gate.open("all");
    if (quota.hardCap !== undefined && quota.used < quota.hardCap) this.#options.gate.open("create");
    return quota;
  }

  /** A refusal is not remembered: it may only mean that the token belongs to an account. */
  verifyToken(signal: AbortSignal): Promise<TokenState> {
    return this.#budgeted("read", signal, () => this.#options.api.verifyToken(signal));
  }

  async create(zoneID: string, input: CreateInput, signal: AbortSignal): Promise<Created> {
    this.#checkHostname(input.hostname);
    const target = {
      action: "create",
      zoneID,
      hostname: input.hostname,
      id: undefined,
      request: input,
      before: undefined,
    } as const;
    const created = await this.#gated(
      "create",
      signal,
      () =>
        this.#recorded(
          target,
          () => this.#options.api.create(zoneID, input, signal),
          (answer) => answer.hostname,
        ),
      input.hostname,
    );
    this.#remember(created.hostname);
    return created;
  }

  async edit(zoneID: string, id: string, patch: EditInput, signal: AbortSignal): Promise<CustomHostname> {
    const before = this.#seenRow(id);
    const target = { action: "edit", zoneID, hostname: before.hostname, id, request: patch, before } as const;
    const row = await this.#gated("write", signal, () =>
      this.#recorded(
        target,
        () => this.#options.api.edit(zoneID, id, patch, signal),
        (answer) => answer,
      ),
    );
    this.#remember(row);
    return row;
  }

  async delete(zoneID: string, id: string, signal: AbortSignal): Promise<void> {
    const before = this.#seenRow(id);
    const target = { action: "delete", zoneID, hostname: before.hostname, id, request: undefined, before } as const;
    await this.#gated("delete", signal, () =>
      this.#recorded(
        target,
        () => this.#options.api.delete(zoneID, id, signal),
        () => undefined,
      ),
    );
    this.#forget(id);
    this.#options.gate.open("create");
  }

  async #gated<T>(kind: RequestKind, signal: AbortSignal, call: () => Promise<T>, key = ""): Promise<T> {
    const closed = this.#options.gate.check(kind === "create");
    if (closed !== undefined) throw closed;
    return this.#watched(() => this.#budgeted(kind, signal, call, key));
  }

  async #watched<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof CloudflareError) this.#options.gate.failed(error);
      throw error;
    }
  }

  async #budgeted<T>(kind: RequestKind, signal: AbortSignal, call: () => Promise<T>, key = ""): Promise<T> {
    const { budget, context } = this.#options;
    const grant = await budget.acquire({ kind, priority: context.priority, key }, signal);
    if (!grant.granted) throw refusal(grant);
    try {
      const answer = await call();
      grant.settle("sent");
      return answer;
    } catch (error) {
      grant.settle(error instanceof CloudflareError && !error.ambiguous ? "refused" : "sent");
      throw error;
    }
  }

  /** Between this check of leadership and the request lies no wait. */
  async #recorded<T>(target: Target, call: () => Promise<T>, rowOf: (answer: T) => CustomHostname | undefined): Promise<T> {
    const { clock, assertMayWrite } = this.#options;
    assertMayWrite();
    const started = clock.monotonic();
    try {
      const answer = await call();
      this.#record(target, { after: rowOf(answer), outcome: "done", error: undefined, started });
      return answer;
    } catch (error) {
      const outcome = error instanceof CloudflareError && !error.ambiguous ? "refused" : "unknown";
      this.#record(target, { after: undefined, outcome, error: error instanceof Error ? error.message : String(error), started });
      throw error;
    }
  }

  #record(
    target: Target,
    result: { after: CustomHostname | undefined; started: number } & Pick<MutationRecord, "outcome" | "error">,
  ): void {
    const { log, clock, context } = this.#options;
    log.record({
      ...target,
      subject: context.subject,
      why: context.why,
      before: summarise(target.before),
      after: summarise(result.after),
      outcome: result.outcome,
      error: result.error,
      durationMs: Math.round(clock.monotonic() - result.started),
    });
  }

  #remember(row: CustomHostname): void {
    this.#seen.set(row.id, row);
    this.#options.onRow(row);
  }

  #forget(id: string): void {
    this.#seen.delete(id);
    this.#options.onGone(id);
  }

  #seenRow(id: string): CustomHostname {
    const row = this.#seen.get(id);
    if (row === undefined) throw refusedLocally("OperatorBug", "a row must be read before it is changed");
    this.#checkHostname(row.hostname);
    return row;
  }

  #checkHostname(hostname: string): void {
    if (this.#options.context.hostnames.includes(hostname)) return;
    throw refusedLocally("OperatorBug", `${hostname} is not a hostname of ${this.#options.context.subject}`);
  }
}

interface Target extends Pick<MutationRecord, "action" | "zoneID" | "hostname" | "id" | "request"> {
  readonly before: CustomHostname | undefined;
}
