import type { Cancel, Clock } from "./clock.ts";
import type { Timers } from "./timers.ts";

/** Live changes go before what a restart or a resync brings up. */
export const Priority = { Live: 0, Low: -100 } as const;
export type Priority = (typeof Priority)[keyof typeof Priority];

interface Ready {
  readonly priority: Priority;
  readonly since: number;
}

interface Delayed {
  readonly due: number;
  readonly priority: Priority;
  readonly cancel: Cancel;
}

/** What a metrics implementation may observe; all times in ms. */
export interface QueueObserver {
  added(): void;
  started(queuedMs: number): void;
}

/**
 * A queue of keys with client-go's guarantees: a key is queued at most once; it is never handed out twice at the same time;
 * a key that is added while it is being processed is handed out again after {@link done}; adding keeps the higher priority and
 * the earlier time. Within one priority the groups (namespaces) take turns, so one tenant's burst delays another's change
 * by one item, not by the burst.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #observer: QueueObserver | undefined;
  readonly #ready = new Map<string, Ready>();
  /** For each priority the groups in turn order, each with its keys in order of arrival. */
  readonly #lanes: ReadonlyMap<Priority, Map<string, Set<string>>> = new Map([
    [Priority.Live, new Map<string, Set<string>>()],
    [Priority.Low, new Map<string, Set<string>>()],
  ]);
  readonly #delayed = new Map<string, Delayed>();
  readonly #processing = new Map<string, number>();
  /** Keys added while being processed, with the priority they came with. */
  readonly #dirty = new Map<string, Priority>();
  #wake: () => void = () => {};
  #closed = false;

  constructor(options: { clock: Clock; timers: Timers; observer?: QueueObserver }) {
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#observer = options.observer;
  }

  /** Called whenever a key may have become available; one listener. */
  onReady(wake: () => void): void {
    this.#wake = wake;
  }

  add(key: string, priority: Priority = Priority.Live): void {
    if (this.#closed) return;
    const merged = this.#dropDelay(key, priority);
    if (this.#processing.has(key)) {
      const before = this.#dirty.get(key);
      if (before === undefined) this.#observer?.added();
      this.#dirty.set(key, before === undefined ? merged : higher(before, merged));
      return;
    }
    this.#enqueue(key, merged);
  }

  /** Adds the key after `delayMs`; when it is due earlier already, only its priority may be raised. */
  addAfter(key: string, delayMs: number, priority: Priority = Priority.Live): void {
    if (delayMs <= 0 || this.#ready.has(key) || this.#dirty.has(key)) {
      this.add(key, priority);
      return;
    }
    if (this.#closed) return;
    const due = this.#clock.monotonic() + delayMs;
    const pending = this.#delayed.get(key);
    if (pending !== undefined && pending.due <= due) {
      this.#delayed.set(key, { ...pending, priority: higher(pending.priority, priority) });
      return;
    }
    const merged = this.#dropDelay(key, priority);
    // The priority may have been raised by then: adding takes it over from the delay.
    const cancel = this.#timers.after(delayMs, () => this.add(key, Priority.Low));
    this.#delayed.set(key, { due, priority: merged, cancel });
  }

  /** The next key, now being processed, with its priority; undefined when nothing is ready. */
  take(): { readonly key: string; readonly priority: Priority } | undefined {
    for (const [priority, groups] of this.#lanes) {
      const [turn] = groups;
      if (turn === undefined) continue;
      const [group, keys] = turn;
      const [key] = keys;
      if (key === undefined) throw new Error(`work queue: empty group ${group}`);
      keys.delete(key);
      groups.delete(group);
      if (keys.size > 0) groups.set(group, keys);
      this.#observer?.started(this.#clock.monotonic() - (this.#ready.get(key)?.since ?? 0));
      this.#ready.delete(key);
      this.#processing.set(key, this.#clock.monotonic());
      return { key, priority };
    }
    return undefined;
  }

  /** Ends the processing of a key that {@link take} handed out. */
  done(key: string): void {
    this.#processing.delete(key);
    const priority = this.#dirty.get(key);
    if (priority === undefined) return;
    this.#dirty.delete(key);
    if (!this.#closed) this.#enqueue(key, priority, true);
  }

  /** Nothing is added or handed out from here on. */
  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#ready.clear();
    this.#dirty.clear();
    for (const groups of this.#lanes.values()) groups.clear();
  }

  get depth(): number {
    return this.#ready.size;
  }

  /** Ages in ms of what is being processed now. */
  processingAges(): number[] {
    const now = this.#clock.monotonic();
    return [...this.#processing.values()].map((since) => now - since);
  }

  #enqueue(key: string, priority: Priority, counted = false): void {
    const queued = this.#ready.get(key);
    if (queued !== undefined) {
      if (priority <= queued.priority) return;
      this.#leaveLane(key, queued.priority);
    } else if (!counted) {
      this.#observer?.added();
    }
    this.#ready.set(key, { priority, since: queued?.since ?? this.#clock.monotonic() });
    const groups = this.#lane(priority);
    const group = groupOf(key);
    const keys = groups.get(group);
    if (keys === undefined) groups.set(group, new Set([key]));
    else keys.add(key);
    this.#wake();
  }

  #leaveLane(key: string, priority: Priority): void {
    const groups = this.#lane(priority);
    const group = groupOf(key);
    const keys = groups.get(group);
    keys?.delete(key);
    if (keys?.size === 0) groups.delete(group);
  }

  #lane(priority: Priority): Map<string, Set<string>> {
    const groups = this.#lanes.get(priority);
    if (groups === undefined) throw new Error(`work queue: no lane for priority ${priority}`);
    return groups;
  }

  #dropDelay(key: string, priority: Priority): Priority {
    const delayed = this.#delayed.get(key);
    if (delayed === undefined) return priority;
    delayed.cancel();
    this.#delayed.delete(key);
    return higher(delayed.priority, priority);
  }
}

function higher(a: Priority, b: Priority): Priority {
  return a >= b ? a : b;
}

function groupOf(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? "" : key.slice(0, slash);
}
