import { createHash } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { Timers } from "../runtime/timers.ts";
import { ApiError } from "./api-error.ts";
import { collectionPath } from "./client.ts";
import { microTime } from "./lease.ts";
import type { KubeObject, ResourceDefinition } from "./objects.ts";
import type { KubeTransport } from "./transport.ts";

const EVENTS: ResourceDefinition = { group: "events.k8s.io", version: "v1", kind: "Event", plural: "events", namespaced: true };

export type EventType = "Normal" | "Warning";

export interface EventRecorder {
  /** Takes note of a transition; never waits, never fails. `reason` equals the condition's; `action` says what was being done. */
  event(regarding: KubeObject, type: EventType, reason: string, action: string, note: string): void;
}

interface Pending {
  readonly regarding: KubeObject;
  readonly type: EventType;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

const QUEUE_LIMIT = 1_000;
const SERIES_MS = 6 * 60_000;
const SERIES_LIMIT = 4_096;
/** Bytes, by the API server's count. */
const NOTE_LIMIT = 1_024;
const INSTANCE_LIMIT = 128;
const BURST_PER_OBJECT = 25;
const REFILL_MS = 300_000 / BURST_PER_OBJECT;

/**
 * Writes events.k8s.io/v1 Events in the background. The same fact within six minutes is one Event with a series; one object
 * gets at most 25 at once; when the queue is full the newest are dropped. An Event that cannot be written is logged and lost.
 */
export class EventBroadcaster implements EventRecorder {
  readonly #transport: KubeTransport;
  readonly #log: Logger;
  readonly #controller: string;
  readonly #instance: string;
  readonly #clock: Clock = systemClock;
  readonly #timers = new Timers(systemClock);
  readonly #queue: Pending[] = [];
  readonly #series = new Map<string, { name: string; namespace: string; count: number; last: number }>();
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  #sending: Promise<void> | undefined;

  constructor(options: { transport: KubeTransport; logger: Logger; controller: string; instance: string }) {
    this.#transport = options.transport;
    this.#log = options.logger;
    this.#controller = options.controller;
    this.#instance = options.instance.slice(0, INSTANCE_LIMIT);
  }

  event(regarding: KubeObject, type: EventType, reason: string, action: string, note: string): void {
    if (this.#queue.length >= QUEUE_LIMIT || !this.#allowed(regarding.metadata.uid ?? "")) return;
    this.#queue.push({ regarding, type, reason, action, note: firstBytes(note, NOTE_LIMIT) });
    this.#sending ??= this.#drain();
  }

  /** Resolves when everything noted so far has been sent or given up, at the latest after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    const sent = new AbortController();
    await Promise.race([this.#sending, this.#timers.sleep(timeoutMs, sent.signal)]);
    sent.abort();
  }

  async #drain(): Promise<void> {
    for (let pending = this.#queue.shift(); pending !== undefined; pending = this.#queue.shift()) {
      try {
        await this.#send(pending);
      } catch (error) {
        // Nobody can create anything in a namespace that is going: the Event would go with it.
        const level = isNamespaceGoing(error) ? "debug" : "warn";
        this.#log[level]({ err: error, reason: pending.reason }, "could not write an event");
      }
    }
    // In the turn that found the queue empty: an event that comes next starts anew.
    this.#sending = undefined;
  }

  async #send(pending: Pending): Promise<void> {
    const key = seriesKey(pending);
    const known = this.#series.get(key);
    const now = this.#clock.now();
    if (known !== undefined && now - known.last < SERIES_MS) {
      known.count += 1;
      known.last = now;
      const path = `${collectionPath(EVENTS, known.namespace)}/${known.name}`;
      const body = { series: { count: known.count, lastObservedTime: microTime(now) } };
      try {
        await this.#transport.request({ method: "PATCH", path, body, contentType: "application/merge-patch+json" });
        return;
      } catch (error) {
        // The Event ran out (they live an hour): write a new one.
        if (!(error instanceof ApiError) || error.status !== 404) throw error;
      }
    }
    const { name, namespace = "default" } = this.#identity(pending.regarding, key, now);
    await this.#transport.request({
      method: "POST",
      path: collectionPath(EVENTS, namespace),
      body: this.#body(pending, name, namespace, now),
    });
    this.#series.delete(key);
    this.#series.set(key, { name, namespace, count: 1, last: now });
    if (this.#series.size > SERIES_LIMIT) this.#series.delete(this.#series.keys().next().value ?? "");
  }

  #identity(regarding: KubeObject, key: string, now: number): { name: string; namespace: string | undefined } {
    return {
      // Cut to fit, and not after a separator, which may not stand before the dot.
      name: `${regarding.metadata.name.slice(0, 200).replace(/[^a-z0-9]+$/, "")}.${key.slice(0, 8)}${now.toString(16)}`,
      namespace: regarding.metadata.namespace,
    };
  }

  #body(pending: Pending, name: string, namespace: string, now: number): unknown {
    const { apiVersion, kind, metadata } = pending.regarding;
    return {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { name, namespace },
      eventTime: microTime(now),
      type: pending.type,
      reason: pending.reason,
      action: pending.action,
      note: pending.note,
      reportingController: this.#controller,
      reportingInstance: this.#instance,
      regarding: {
        apiVersion,
        kind,
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
    };
  }

  #allowed(uid: string): boolean {
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(uid) ?? { tokens: BURST_PER_OBJECT, at: now };
    const tokens = Math.min(BURST_PER_OBJECT, bucket.tokens + (now - bucket.at) / REFILL_MS);
    this.#buckets.delete(uid);
    if (tokens >= 1) this.#buckets.set(uid, { tokens: tokens - 1, at: now });
    else this.#buckets.set(uid, { tokens, at: now });
    if (this.#buckets.size > SERIES_LIMIT) this.#buckets.delete(this.#buckets.keys().next().value ?? "");
    return tokens >= 1;
  }
}

/** The longest beginning of at most this many bytes that cuts no character. */
function firstBytes(text: string, limit: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(limit));
  return text.slice(0, read);
}

function seriesKey(pending: Pending): string {
  const { regarding, type, reason, action, note } = pending;
  return createHash("sha256").update([regarding.metadata.uid, type, reason, action, note].join("\u0000")).digest("hex");
}

function isNamespaceGoing(error: unknown): boolean {
  return error instanceof ApiError && (error.body.details?.causes ?? []).some(({ reason }) => reason === "NamespaceTerminating");
}
