import { type Asked, type FaultKind, isPossible, type Moment, type PlantedFault } from "./fault-kinds.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A fault that struck. */
export interface FiredFault {
  readonly kind: FaultKind;
  /** Unix milliseconds. */
  readonly at: number;
  /** Whose connection or process it was. */
  readonly victim: string;
  /** What was asked or done. */
  readonly what: string;
  readonly isLease: boolean;
}

/** Every fault of a run that really struck, of all proxies and processes. */
export class FaultTally {
  readonly fired: FiredFault[] = [];
  /** How often the API server itself said that a version is gone. */
  expiredByServer = 0;
  #dark = 0;
  #mostDark = 0;

  record(fault: Omit<FiredFault, "at">): void {
    this.fired.push({ ...fault, at: Date.now() });
  }

  count(kind?: FaultKind): number {
    return kind === undefined ? this.fired.length : this.fired.filter((fault) => fault.kind === kind).length;
  }

  /** A black hole has opened. Call the result when the operator has cut it. */
  darkened(): () => void {
    this.#dark += 1;
    this.#mostDark = Math.max(this.#mostDark, this.#dark);
    return () => {
      this.#dark -= 1;
    };
  }

  /** The most black holes that were open at once. */
  get mostDark(): number {
    return this.#mostDark;
  }

  get onLeases(): number {
    return this.fired.filter(({ isLease }) => isLease).length;
  }
}

export interface FaultRule {
  readonly kind: PlantedFault;
  /** Of each occasion; 1 unless given. */
  readonly chance?: number;
  /** How often at most; until lifted unless given. */
  readonly times?: number;
  /** Which requests; all unless given. Connections are never asked about. */
  readonly where?: (asked: Asked) => boolean;
}

/** A rule in force. */
export interface Planted {
  /** How often it struck. */
  readonly fired: number;
  lift(): void;
}

/** A fault that is about to strike. One of the two is to be called. */
export interface Drawn {
  readonly kind: PlantedFault;
  /** It struck. */
  fired(): void;
  /** It had no occasion after all, for example because there was no answer to spoil. */
  spared(): void;
}

/** The rules of one proxy. The generator decides where a rule leaves it open; what struck goes into the tally. */
export class FaultBook {
  readonly #victim: string;
  readonly #random: SeededRandom;
  readonly #tally: FaultTally;
  readonly #rules = new Set<PlantedRule>();

  constructor(victim: string, random: SeededRandom, tally: FaultTally) {
    this.#victim = victim;
    this.#random = random;
    this.#tally = tally;
  }

  /** Plants one rule in several proxies, which share its number of times. */
  static plantIn(books: readonly FaultBook[], rule: FaultRule): Planted {
    const planted = new PlantedRule(rule, () => {
      for (const book of books) book.#rules.delete(planted);
    });
    for (const book of books) book.#rules.add(planted);
    return planted;
  }

  plant(rule: FaultRule): Planted {
    return FaultBook.plantIn([this], rule);
  }

  liftAll(): void {
    this.#rules.clear();
  }

  /** The fault that strikes now, by the first rule that wants it. */
  draw(moment: Moment, asked?: Asked): Drawn | undefined {
    for (const planted of this.#rules) {
      const { kind, chance = 1, where } = planted.rule;
      if (planted.spent || !isPossible(kind, moment, asked)) continue;
      if (asked !== undefined && where?.(asked) === false) continue;
      if (!this.#random.chance(chance)) continue;
      planted.reserve();
      return { kind, fired: () => this.#strike(planted, asked), spared: () => planted.giveBack() };
    }
    return undefined;
  }

  /** For faults that no rule plants. */
  record(kind: FaultKind, asked: Asked | undefined): void {
    const what = asked === undefined ? "connection" : `${asked.shape} ${asked.resource}`;
    this.#tally.record({ kind, victim: this.#victim, what, isLease: asked?.resource === "leases" });
  }

  #strike(planted: PlantedRule, asked: Asked | undefined): void {
    planted.fired += 1;
    this.record(planted.rule.kind, asked);
  }
}

class PlantedRule implements Planted {
  readonly rule: FaultRule;
  readonly lift: () => void;
  fired = 0;
  #reserved = 0;

  constructor(rule: FaultRule, lift: () => void) {
    this.rule = rule;
    this.lift = lift;
  }

  get spent(): boolean {
    return this.#reserved >= (this.rule.times ?? Number.POSITIVE_INFINITY);
  }

  reserve(): void {
    this.#reserved += 1;
  }

  giveBack(): void {
    this.#reserved -= 1;
  }
}
