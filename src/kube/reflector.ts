import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { Timers } from "../runtime/timers.ts";
import { ApiError, isExpired, isNotFound, NoAnswerError } from "./api-error.ts";
import { collectionPath } from "./client.ts";
import { InitialEvents, NOT_STREAMED } from "./initial-events.ts";
import type { KubeObject, ResourceDefinition } from "./objects.ts";
import { listInPages } from "./paged-list.ts";
import type { Store } from "./store.ts";
import type { KubeTransport } from "./transport.ts";
import { type WatchEvent, watchEventOf } from "./watch-event.ts";
import { lines } from "./watch-lines.ts";

export interface ReflectorOptions<T extends KubeObject> {
  readonly resource: ResourceDefinition;
  /** Only objects of this namespace, or of all. */
  readonly namespace?: string;
  /** For example `metadata.name=x`. */
  readonly fieldSelector?: string;
  /** For example `app.kubernetes.io/managed-by=x`. */
  readonly labelSelector?: string;
  /** The kind need not exist: while it is not served the store is empty and marked absent. */
  readonly optional?: boolean;
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
  /** The same while the initial events come, which need no bookmark to be heard of; default 30,000. */
  readonly initialIdleMs: number;
  /** How often an optional kind that is not served is asked for; default 30,000. */
  readonly absentMs: number;
}

// The API server sends a bookmark every minute: three missed ones mean a dead connection that sent no FIN.
const LIMITS: ReflectorLimits = {
  minBackoffMs: 800,
  maxBackoffMs: 30_000,
  idleMs: 190_000,
  initialIdleMs: 30_000,
  absentMs: 30_000,
};
const IDLE_CHECK_MS = 5_000;
const HEALTHY_MS = 120_000;
/** A server that closes every watch at once must not be asked in a loop. */
const MIN_WATCH_MS = 1_000;

/**
 * Keeps a store equal to the API server's collection: everything there is, taken in as one step, then a watch that resumes
 * where it ended. The server streams the beginning on the watch itself (WatchList); one that does not is listed in pages. It
 * never gives up: any failure is retried after 0.8 s to 30 s with full jitter; an expired version begins anew; a silent
 * connection is cut. It runs no user code but the store's listeners.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #log: Logger;
  readonly #name: string;
  readonly #limits: ReflectorLimits;
  // Real time: the API server's clock cannot be injected.
  readonly #clock: Clock = systemClock;
  readonly #timers = new Timers(systemClock);
  /** Where to watch from; undefined: begin anew. */
  #resourceVersion: string | undefined;
  /** How to begin: "once" lists the next time only. */
  #paged: "never" | "once" | "always" = "never";
  #lastByte = systemClock.monotonic();
  #lastStep = systemClock.monotonic();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#name = options.resource.plural;
    this.#limits = options.limits ?? LIMITS;
    this.#log = options.logger.child({ reflector: this.#name });
    options.metrics.watchAge(this.#name, () => this.silentMs);
  }

  /** Milliseconds since the API server last said anything on the watch. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#lastByte;
  }

  /** Milliseconds since it last heard, began or gave up anything: an outage does not let it grow, being stuck does. */
  get stuckMs(): number {
    return this.#clock.monotonic() - Math.max(this.#lastByte, this.#lastStep);
  }

  /** Runs until the signal is aborted; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const started = this.#clock.monotonic();
      this.#lastStep = started;
      try {
        if (this.#resourceVersion === undefined && this.#paged !== "never") await this.#list(signal);
        await this.#watch(signal);
        if (this.#clock.monotonic() - started < MIN_WATCH_MS) throw new Error("the watch ended as soon as it began");
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#lastStep = this.#clock.monotonic();
        if (this.#isNotStreamed(error)) {
          this.#log.debug({ cause: (error as Error).message }, "the server does not stream initial events: listing");
          this.#paged = "always";
          continue;
        }
        if (this.#options.optional === true && isNotFound(error)) {
          await this.#absence(signal);
          continue;
        }
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

  async #absence(signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    this.#resourceVersion = undefined;
    if (!store.absent) this.#log.info("the server does not serve this kind");
    store.markAbsent();
    await this.#timers.sleep(this.#limits.absentMs, signal).catch(() => {});
  }

  /** Whether this server refused to stream the beginning, or does not know how to. */
  #isNotStreamed(error: unknown): boolean {
    if (this.#resourceVersion !== undefined || this.#paged !== "never") return false;
    return error === NOT_STREAMED || (error instanceof ApiError && (error.status === 400 || error.status === 422));
  }

  #backoff(failures: number, error: unknown): number {
    const { minBackoffMs, maxBackoffMs } = this.#limits;
    const cap = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(failures, 10));
    const waitMs = minBackoffMs + this.#options.random() * (cap - minBackoffMs);
    // A proxy's maintenance page may ask for hours: that would make the operator deaf.
    return Math.max(waitMs, Math.min(maxBackoffMs, retryAfter(error) ?? 0));
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { objects, version } = await listInPages<T>({
      ...this.#options,
      pathOf: (query) => this.#path(query),
      onPage: () => {
        this.#lastStep = this.#clock.monotonic();
      },
      signal,
    });
    if (this.#paged === "once") this.#paged = "never";
    this.#begin(objects, version);
  }

  /** Takes in everything there is, as one step. */
  #begin(objects: Iterable<T>, version: string): void {
    const { store, metrics, onSynced } = this.#options;
    metrics.listed(this.#name);
    store.replace(objects, version);
    this.#resourceVersion = version;
    this.#log.debug({ objects: store.size, version }, "listed");
    onSynced?.();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const serverTimeout = 240 + Math.floor(this.#options.random() * 60);
    let beginning = this.#resourceVersion === undefined ? new InitialEvents<T>(this.#options.project) : undefined;
    const path = this.#path({
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: `${serverTimeout}`,
      ...(beginning === undefined ? { resourceVersion: this.#resourceVersion ?? "" } : InitialEvents.QUERY),
    });
    const cut = new AbortController();
    const cancelHardLimit = this.#timers.after((serverTimeout + 5) * 1_000, () =>
      cut.abort(new Error("the watch outlived its timeout")),
    );
    const { idleMs, initialIdleMs } = this.#limits;
    const idle = setInterval(
      () => {
        const begins = this.#resourceVersion === undefined;
        if (this.silentMs <= (begins ? Math.min(idleMs, initialIdleMs) : idleMs)) return;
        // A server from before WatchList sends no end of the beginning: a list always works.
        if (begins) this.#paged = "once";
        cut.abort(new Error("the watch fell silent"));
      },
      Math.min(IDLE_CHECK_MS, idleMs / 4, initialIdleMs / 4),
    );
    this.#lastByte = this.#clock.monotonic();
    try {
      const body = await this.#options.transport.stream(path, AbortSignal.any([signal, cut.signal]));
      for await (const line of lines(body)) {
        this.#lastByte = this.#clock.monotonic();
        const event = watchEventOf(line, this.#name);
        if (beginning === undefined) this.#take(event);
        else {
          const version = beginning.take(event);
          if (version === undefined) continue;
          this.#begin(beginning.objects, version);
          beginning = undefined;
        }
      }
    } finally {
      cancelHardLimit();
      clearInterval(idle);
    }
  }

  #take(event: WatchEvent): void {
    const { store, project } = this.#options;
    const object = event.object as T;
    if (event.type === "DELETED") store.remove(project(object));
    else if (event.type !== "BOOKMARK") store.apply(project(object));
    // After the store has it: a crash of the stream in between replays the event, it never skips it.
    this.#resourceVersion = object.metadata.resourceVersion;
  }

  #path(query: Readonly<Record<string, string>>): string {
    const { resource, namespace, fieldSelector, labelSelector } = this.#options;
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== "") parameters.set(name, value);
    if (fieldSelector !== undefined) parameters.set("fieldSelector", fieldSelector);
    if (labelSelector !== undefined) parameters.set("labelSelector", labelSelector);
    return `${collectionPath(resource, namespace)}?${parameters.toString()}`;
  }
}

/** Drops what the operator never reads and what nearly doubles an object's size. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, annotations, ...metadata } = object.metadata as T["metadata"] & { managedFields?: unknown };
  const { "kubectl.kubernetes.io/last-applied-configuration": __, ...kept } = annotations ?? {};
  return { ...object, metadata: { ...metadata, ...(annotations === undefined ? {} : { annotations: kept }) } };
}

function reasonOf(error: unknown): string {
  if (error instanceof ApiError) return error.reason === "" ? String(error.status) : error.reason;
  return error instanceof NoAnswerError ? "NoAnswer" : "Interrupted";
}

function retryAfter(error: unknown): number | undefined {
  return error instanceof ApiError ? error.retryAfterMs : undefined;
}
