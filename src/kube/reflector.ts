import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { Timers } from "../runtime/timers.ts";
import { ApiError, isExpired, NoAnswerError, type StatusBody } from "./api-error.ts";
import { collectionPath } from "./client.ts";
import type { KubeObject, ResourceDefinition } from "./objects.ts";
import type { Store } from "./store.ts";
import type { KubeTransport } from "./transport.ts";
import { lines } from "./watch-lines.ts";

export interface ReflectorOptions<T extends KubeObject> {
  readonly resource: ResourceDefinition;
  /** Only objects of this namespace, or of all. */
  readonly namespace?: string;
  /** For example `metadata.name=x`. */
  readonly fieldSelector?: string;
  readonly store: Store<T>;
  /** What is kept of an object: drops what no controller reads before it costs memory. */
  readonly project: (object: T) => T;
  readonly transport: KubeTransport;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** After each complete list, also one of nothing. */
  readonly onSynced?: () => void;
  /** After each failed list or watch. */
  readonly onFailure?: (error: unknown) => void;
  readonly limits?: ReflectorLimits;
}

/** Milliseconds of real time. */
export interface ReflectorLimits {
  /** Least wait after a failure; default 800. */
  readonly minBackoffMs: number;
  /** Most wait after many failures in a row, also where the server asks for more; default 30,000. */
  readonly maxBackoffMs: number;
  /** A watch that says nothing for this long is cut; default 190,000. */
  readonly idleMs: number;
}

interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: unknown;
}

const PAGE_SIZE = 500;
// The API server sends a bookmark every minute: three missed ones mean a dead connection that sent no FIN.
const LIMITS: ReflectorLimits = { minBackoffMs: 800, maxBackoffMs: 30_000, idleMs: 190_000 };
const IDLE_CHECK_MS = 5_000;
const HEALTHY_MS = 120_000;
/** A server that closes every watch at once must not be asked in a loop. */
const MIN_WATCH_MS = 1_000;

/**
 * Keeps a store equal to the API server's collection: a paged list, then a watch that resumes where it ended. It never
 * gives up: any failure is retried after 0.8 s to 30 s with full jitter; an expired version lists anew; a silent connection
 * is cut. It runs no user code but the store's listeners.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #log: Logger;
  readonly #name: string;
  readonly #limits: ReflectorLimits;
  // Real time: the API server's clock cannot be injected.
  readonly #clock: Clock = systemClock;
  readonly #timers = new Timers(systemClock);
  #resourceVersion: string | undefined;
  #lastByte = systemClock.monotonic();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#name = options.resource.plural;
    this.#limits = options.limits ?? LIMITS;
    this.#log = options.logger.child({ reflector: this.#name });
  }

  /** Milliseconds since the API server last said anything on the watch. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#lastByte;
  }

  /** Runs until the signal is aborted; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const started = this.#clock.monotonic();
      try {
        if (this.#resourceVersion === undefined) await this.#list(signal);
        await this.#watch(signal);
        if (this.#clock.monotonic() - started < MIN_WATCH_MS) throw new Error("the watch ended as soon as it began");
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isExpired(error)) this.#resourceVersion = undefined;
        failures = this.#clock.monotonic() - started > HEALTHY_MS ? 1 : failures + 1;
        this.#options.metrics.watchFailed(this.#name, reasonOf(error));
        this.#options.onFailure?.(error);
        // The first expiry is the normal answer after a long pause: list at once.
        if (isExpired(error) && failures === 1) continue;
        const waitMs = this.#backoff(failures, error);
        this.#log.warn({ err: error, waitMs: Math.round(waitMs) }, "list or watch failed");
        await this.#timers.sleep(waitMs, signal).catch(() => {});
      }
    }
  }

  #backoff(failures: number, error: unknown): number {
    const { minBackoffMs, maxBackoffMs } = this.#limits;
    const cap = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(failures, 10));
    const waitMs = minBackoffMs + this.#options.random() * (cap - minBackoffMs);
    // A proxy's maintenance page may ask for hours: that would make the operator deaf.
    return Math.max(waitMs, Math.min(maxBackoffMs, retryAfter(error) ?? 0));
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { store, project, transport, metrics } = this.#options;
    const objects: T[] = [];
    let continuation = "";
    let version = "";
    do {
      const page = (await transport.request({
        method: "GET",
        path: this.#path({ limit: `${PAGE_SIZE}`, continue: continuation }),
        signal,
      })) as {
        readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
        readonly items: readonly T[];
        readonly apiVersion: string;
      };
      // Items of a list of built-in kinds carry no apiVersion and kind of their own.
      const { kind } = this.#options.resource;
      for (const item of page.items) objects.push(project({ ...item, apiVersion: page.apiVersion, kind }));
      continuation = page.metadata.continue ?? "";
      version = page.metadata.resourceVersion;
    } while (continuation !== "");
    metrics.listed(this.#name);
    store.replace(objects, version);
    this.#resourceVersion = version;
    this.#log.debug({ objects: objects.length, version }, "listed");
    this.#options.onSynced?.();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const serverTimeout = 240 + Math.floor(this.#options.random() * 60);
    const path = this.#path({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#resourceVersion ?? "",
      timeoutSeconds: `${serverTimeout}`,
    });
    const cut = new AbortController();
    const cancelHardLimit = this.#timers.after((serverTimeout + 5) * 1_000, () =>
      cut.abort(new Error("the watch outlived its timeout")),
    );
    const idle = setInterval(
      () => {
        if (this.silentMs > this.#limits.idleMs) cut.abort(new Error("the watch fell silent"));
      },
      Math.min(IDLE_CHECK_MS, this.#limits.idleMs / 4),
    );
    this.#lastByte = this.#clock.monotonic();
    try {
      const body = await this.#options.transport.stream(path, AbortSignal.any([signal, cut.signal]));
      for await (const line of lines(body)) {
        this.#lastByte = this.#clock.monotonic();
        this.#take(eventOf(line));
      }
    } finally {
      cancelHardLimit();
      clearInterval(idle);
    }
  }

  #take(event: WatchEvent): void {
    const { store, project } = this.#options;
    if (event.type === "ERROR") {
      const status = event.object as StatusBody & { readonly code?: number };
      throw new ApiError(`watch ${this.#name}`, status.code ?? 500, status);
    }
    const object = event.object as T;
    if (event.type === "DELETED") store.remove(project(object));
    else if (event.type !== "BOOKMARK") store.apply(project(object));
    // After the store has it: a crash of the stream in between replays the event, it never skips it.
    this.#resourceVersion = object.metadata.resourceVersion;
  }

  #path(query: Readonly<Record<string, string>>): string {
    const { resource, namespace, fieldSelector } = this.#options;
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== "") parameters.set(name, value);
    if (fieldSelector !== undefined) parameters.set("fieldSelector", fieldSelector);
    return `${collectionPath(resource, namespace)}?${parameters.toString()}`;
  }
}

/** Drops what the operator never reads and what nearly doubles an object's size. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, annotations, ...metadata } = object.metadata as T["metadata"] & { managedFields?: unknown };
  const { "kubectl.kubernetes.io/last-applied-configuration": __, ...kept } = annotations ?? {};
  return { ...object, metadata: { ...metadata, ...(annotations === undefined ? {} : { annotations: kept }) } };
}

/** V8's message would quote the line, which may be a Secret. */
function eventOf(line: string): WatchEvent {
  try {
    return JSON.parse(line) as WatchEvent;
  } catch {
    throw new Error("a watch event is not JSON");
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ApiError) return error.reason === "" ? String(error.status) : error.reason;
  return error instanceof NoAnswerError ? "NoAnswer" : "Interrupted";
}

function retryAfter(error: unknown): number | undefined {
  return error instanceof ApiError ? error.retryAfterMs : undefined;
}
