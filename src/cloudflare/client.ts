import { APIError } from "cloudflare/error";
import { BaseCustomHostnames } from "cloudflare/resources/custom-hostnames/custom-hostnames";
import { BaseFallbackOrigin } from "cloudflare/resources/custom-hostnames/fallback-origin";
import { BaseQuota } from "cloudflare/resources/custom-hostnames/quota";
import { BaseDCVDelegation } from "cloudflare/resources/dcv-delegation/dcv-delegation";
import { BaseTokens } from "cloudflare/resources/user/tokens/tokens";
import { createClient } from "cloudflare/tree-shakable";
import type { Dispatcher } from "undici";
import { envelopeOf, resultOf, rowOf, rowsOf, sdkError } from "./answers.ts";
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
import type { Envelope } from "./envelope.ts";
import { type CallKind, CloudflareError, refusedLocally, transportError, wasNeverSent } from "./errors.ts";
import type { RateLimit } from "./rate-limit-headers.ts";
import type { CustomHostname } from "./row.ts";
import { createFetch } from "./transport.ts";
import { createParams, delegationSchema, editParams, fallbackOriginSchema, quotaSchema, tokenSchema } from "./wire.ts";

export interface CloudflareClientOptions {
  /** Without a final slash; `https://api.cloudflare.com/client/v4` in production. */
  readonly apiURL: string;
  /** White space around it is cut: a Secret often ends with a newline, which Cloudflare answers with 6003/6111. */
  readonly apiToken: string;
  readonly dispatcher: Dispatcher;
  readonly onRateLimit: (limit: RateLimit) => void;
  /** Milliseconds for a whole call, body included. */
  readonly timeoutMs?: number;
}

/** Pinned: the SDK would send today's date and so change the API's behaviour over night. */
const API_VERSION = "2026-10-02";
const TIMEOUT_MS = 30_000;
const EXACT_PAGE_SIZE = 50;

interface SDKCall {
  asResponse(): Promise<Response>;
}

/**
 * The official SDK, used for its routes and parameter encoding only: retries are off (it would repeat POSTs and sleep through
 * aborts), nothing is taken from the environment, and answers are read raw, because the SDK turns `success: false` into null,
 * drops `messages` and cannot page.
 */
export class CloudflareClient implements CloudflareApi {
  readonly #sdk;
  readonly #secrets: readonly string[];
  readonly #timeoutMs: number;
  #exactFilter: "hostname.exact" | "hostname" = "hostname.exact";

  constructor(options: CloudflareClientOptions) {
    const token = options.apiToken.trim();
    this.#secrets = [token];
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#sdk = createClient({
      resources: [BaseCustomHostnames, BaseFallbackOrigin, BaseQuota, BaseDCVDelegation, BaseTokens],
      baseURL: options.apiURL,
      apiToken: token,
      apiKey: null,
      apiEmail: null,
      userServiceKey: null,
      apiVersion: API_VERSION,
      maxRetries: 0,
      timeout: this.#timeoutMs,
      logLevel: "off",
      fetch: createFetch({ dispatcher: options.dispatcher, token, onRateLimit: options.onRateLimit }),
    });
  }

  async findByHostname(zoneID: string, hostname: string, signal: AbortSignal): Promise<readonly CustomHostname[]> {
    checkZone(zoneID);
    const query = { [this.#exactFilter]: hostname, page: 1, per_page: EXACT_PAGE_SIZE };
    const envelope = await this.#read(signal, (options) =>
      this.#sdk.customHostnames.list({ zone_id: zoneID }, { ...options, query }),
    );
    const rows = rowsOf(envelope);
    const matches = rows.filter((row) => row.hostname === hostname);
    if (matches.length === 0 && rows.length > 0 && (envelope.totalPages ?? 1) > 1) this.#filterIgnored();
    return matches;
  }

  async create(zoneID: string, input: CreateInput, signal: AbortSignal): Promise<Created> {
    checkZone(zoneID);
    const envelope = await this.#write(signal, (options) =>
      this.#sdk.customHostnames.create(createParams(zoneID, input), options),
    );
    return { hostname: rowOf(envelope, true), warnings: envelope.messages.filter((message) => message !== "") };
  }

  async get(zoneID: string, id: string, signal: AbortSignal): Promise<CustomHostname | undefined> {
    checkIDs(zoneID, id);
    try {
      return rowOf(await this.#read(signal, (options) => this.#sdk.customHostnames.get(id, { zone_id: zoneID }, options)), false);
    } catch (error) {
      if (error instanceof CloudflareError && (error.class === "NotFound" || error.class === "InvalidId")) return undefined;
      throw error;
    }
  }

  async edit(zoneID: string, id: string, patch: EditInput, signal: AbortSignal): Promise<CustomHostname> {
    checkIDs(zoneID, id);
    const params = editParams(zoneID, patch);
    return rowOf(await this.#write(signal, (options) => this.#sdk.customHostnames.edit(id, params, options)), true);
  }

  async delete(zoneID: string, id: string, signal: AbortSignal): Promise<void> {
    checkIDs(zoneID, id);
    try {
      await this.#write(signal, (options) => this.#sdk.customHostnames.delete(id, { zone_id: zoneID }, options));
    } catch (error) {
      if (error instanceof CloudflareError && error.class === "NotFound") return;
      throw error;
    }
  }

  async listPage(zoneID: string, query: PageQuery, signal: AbortSignal): Promise<Page> {
    checkZone(zoneID);
    // The SDK's enums of statuses are closed; the raw query is not.
    const raw = {
      page: query.page,
      per_page: query.perPage,
      ...(query.hostnameStatus === undefined ? {} : { hostname_status: query.hostnameStatus }),
      ...(query.sslStatus === undefined ? {} : { ssl_status: query.sslStatus }),
    };
    const envelope = await this.#read(signal, (options) =>
      this.#sdk.customHostnames.list({ zone_id: zoneID }, { ...options, query: raw }),
    );
    const rows = rowsOf(envelope);
    return { rows, totalPages: envelope.totalPages ?? 1, totalCount: envelope.totalCount ?? rows.length };
  }

  async fallbackOrigin(zoneID: string, signal: AbortSignal): Promise<FallbackOrigin | undefined> {
    checkZone(zoneID);
    try {
      const envelope = await this.#read(signal, (options) =>
        this.#sdk.customHostnames.fallbackOrigin.get({ zone_id: zoneID }, options),
      );
      // A zone without one answers 404; an empty result says the same.
      return envelope.result === null ? undefined : resultOf(envelope, fallbackOriginSchema);
    } catch (error) {
      if (error instanceof CloudflareError && error.class === "NotFound") return undefined;
      throw error;
    }
  }

  async quota(zoneID: string, signal: AbortSignal): Promise<Quota> {
    checkZone(zoneID);
    const envelope = await this.#read(signal, (options) => this.#sdk.customHostnames.quota.get({ zone_id: zoneID }, options));
    return resultOf(envelope, quotaSchema);
  }

  async dcvDelegationUuid(zoneID: string, signal: AbortSignal): Promise<string> {
    checkZone(zoneID);
    const envelope = await this.#read(signal, (options) => this.#sdk.dcvDelegation.get({ zone_id: zoneID }, options));
    return resultOf(envelope, delegationSchema);
  }

  async verifyToken(signal: AbortSignal): Promise<TokenState> {
    return resultOf(await this.#read(signal, (options) => this.#sdk.user.tokens.verify(options)), tokenSchema);
  }

  /**
   * [?] Which of `hostname.exact` (the SDK's) and the classic `hostname` the live API honours is unverified. A server that ignores
   * the filter answers with the first page of everything, where "not among these" proves nothing: the next look-up uses the other.
   */
  #filterIgnored(): never {
    this.#exactFilter = this.#exactFilter === "hostname" ? "hostname.exact" : "hostname";
    throw transportError(new Error("the hostname filter was ignored"), true, { mutation: false, secrets: [] });
  }

  #read(signal: AbortSignal, send: (options: { signal: AbortSignal }) => SDKCall): Promise<Envelope> {
    return this.#call({ mutation: false, secrets: this.#secrets }, signal, send);
  }

  #write(signal: AbortSignal, send: (options: { signal: AbortSignal }) => SDKCall): Promise<Envelope> {
    return this.#call({ mutation: true, secrets: this.#secrets }, signal, send);
  }

  async #call(kind: CallKind, signal: AbortSignal, send: (options: { signal: AbortSignal }) => SDKCall): Promise<Envelope> {
    signal.throwIfAborted();
    for (const token of this.#secrets) {
      // Such a header cannot be sent; the SDK would call it a connection failure.
      if (!/^[!-~]+$/.test(token))
        throw refusedLocally("Unauthorized", "the Secret holds no API token, or one with white space in it");
    }
    // The SDK never removes the listener that it adds, so it gets a signal that dies with the call.
    const call = new AbortController();
    const abort = (): void => call.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      call.abort();
    }, this.#timeoutMs);
    try {
      return await envelopeOf(await send({ signal: call.signal }).asResponse(), kind);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CloudflareError) throw error;
      if (error instanceof APIError && error.status !== undefined) throw sdkError(error, kind);
      const cause = late ? new Error(`no complete answer within ${this.#timeoutMs} ms`) : error;
      throw transportError(cause, !wasNeverSent(error), kind);
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener("abort", abort);
    }
  }
}

function checkZone(zoneID: string): void {
  if (!/^[0-9a-f]{32}$/i.test(zoneID)) throw refusedLocally("ConfigWrong", "the zone id is not 32 hexadecimal digits");
}

function checkIDs(zoneID: string, id: string): void {
  checkZone(zoneID);
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)) throw refusedLocally("InvalidId", "it is not a UUID");
}
