import type { Cancel, Clock } from "./clock.ts";
import { Fifo } from "./fifo.ts";
import type { Timers } from "./timers.ts";

/** Live changes go before what a restart or a resync brings up. */
export const Priority = { Live: 0, Low: -100 } as const;
export type Priority = (typeof Priority)[keyof typeof Priority];

interface Ready {
  readonly key: string;
  readonly priority: Priority;
  readonly since: number;
}

/** The keys of one group at one priority, in order of arrival; some may have been raised to another priority since. */
interface Group {
  readonly name: string;
  readonly keys: Fifo<Ready>;
  /** How many of them are not leftovers; a group without any has no turn. */
  live: number;
}

/** All keys of one priority: the groups that have any, in the order of their turns. */
interface Lane {
  readonly groups: Map<string, Group>;
  readonly turns: Fifo<Group>;
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
  /** What counts: an entry of a lane that is not the one here is a leftover. */
  readonly #ready = new Map<string, Ready>();
  readonly #lanes: ReadonlyMap<Priority, Lane> = new Map([
    [Priority.Live, emptyLane()],
    [Priority.Low, emptyLane()],
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
    for (const lane of this.#lanes.values()) {
      const ready = this.#takeFrom(lane);
      if (ready === undefined) continue;
      const { key, priority, since } = ready;
      const now = this.#clock.monotonic();
      this.#observer?.started(now - since);
      this.#ready.delete(key);
      this.#processing.set(key, now);
      return { key, priority };
    }
    return undefined;
  }

  /** The next key of the group whose turn it is; the group then waits for its next turn. */
  #takeFrom({ groups, turns }: Lane): Ready | undefined {
    for (let group = turns.shift(); group !== undefined; group = turns.shift()) {
      if (group.live === 0) continue;
      let next = group.keys.shift();
      while (next !== undefined && this.#ready.get(next.key) !== next) next = group.keys.shift();
      group.live -= 1;
      if (group.live > 0) turns.push(group);
      else groups.delete(group.name);
      return next;
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
    for (const { groups, turns } of this.#lanes.values()) {
      groups.clear();
      turns.clear();
    }
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
    if (queued !== undefined && priority <= queued.priority) return;
    if (queued !== undefined) this.#leave(queued);
    else if (!counted) this.#observer?.added();
    const ready: Ready = { key, priority, since: queued?.since ?? this.#clock.monotonic() };
    this.#ready.set(key, ready);
    const { groups, turns } = this.#lane(priority);
    const name = groupOf(key);
    const known = groups.get(name);
    const group: Group = known ?? { name, keys: new Fifo(), live: 0 };
    group.keys.push(ready);
    group.live += 1;
    if (known === undefined) {
      groups.set(name, group);
      turns.push(group);
    }
    this.#wake();
  }

  /** The entry itself is skipped when it is met. */
  #leave({ key, priority }: Ready): void {
    const { groups } = this.#lane(priority);
    const group = groups.get(groupOf(key));
    if (group === undefined) return;
    group.live -= 1;
    if (group.live === 0) groups.delete(group.name);
  }

  #lane(priority: Priority): Lane {
    const lane = this.#lanes.get(priority);
    if (lane === undefined) throw new Error(`work queue: no lane for priority ${priority}`);
    return lane;
  }

  #dropDelay(key: string, priority: Priority): Priority {
    const delayed = this.#delayed.get(key);
    if (delayed === undefined) return priority;
    delayed.cancel();
    this.#delayed.delete(key);
    return higher(delayed.priority, priority);
  }
}

function emptyLane(): Lane {
  return { groups: new Map(), turns: new Fifo() };
}

function higher(a: Priority, b: Priority): Priority {
  return a >= b ? a : b;
}

function groupOf(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? "" : key.slice(0, slash);
}
