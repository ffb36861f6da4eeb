import { ChaosCluster } from "./chaos-cluster.ts";
import type { Episode, Scene } from "./episode.ts";
import { FAULT_KINDS, type FaultKind, PROCESS_FAULTS } from "./fault-kinds.ts";
import { ProbeEdits } from "./probe-edits.ts";
import { PROCESS_EPISODES } from "./process-episodes.ts";
import { PROXY_EPISODES } from "./proxy-episodes.ts";
import { SeededRandom } from "./seeded-random.ts";
import { Settlement } from "./settlement.ts";
import { User } from "./user.ts";
import { ALLOWED, chargeFindings, processFindings, rowFindings, statusVerdict, type Verdict } from "./verdict.ts";

export const EPISODES: Readonly<Record<FaultKind, Episode>> = { ...PROXY_EPISODES, ...PROCESS_EPISODES };
/** The share of the room that is taken at the beginning. */
const POPULATION = 0.7;
const PROCESS: ReadonlySet<FaultKind> = new Set(PROCESS_FAULTS);

export interface ChaosOptions {
  /** Names the evidence. */
  readonly name: string;
  readonly seed: number;
  readonly namespaces: readonly string[];
  /** Of CustomDomains in a namespace, at most. */
  readonly slots: number;
  readonly probes: number;
  /** Between two changes of the user, in milliseconds: from, to. */
  readonly pause: readonly [number, number];
  /** How long everything may take to come right once faults have stopped. */
  readonly settleMs: number;
  readonly say: (line: string) => void;
}

/** One run: a cluster under churn, and faults of every kind one after the other, each followed by the recovery from it. */
export class ChaosRun implements AsyncDisposable {
  readonly cluster: ChaosCluster;
  readonly user: User;
  readonly probes: ProbeEdits;
  /** Changes that were lost, and whatever else an episode saw. */
  readonly violations: string[] = [];
  readonly #options: ChaosOptions;
  readonly #random: SeededRandom;
  readonly #settlement: Settlement;

  static async start(options: ChaosOptions): Promise<ChaosRun> {
    const random = new SeededRandom(options.seed);
    const cluster = await ChaosCluster.start({ name: options.name, random: random.fork("proxies"), allow: ALLOWED });
    const run = new ChaosRun(cluster, options, random);
    try {
      await run.user.prepare();
      await run.user.populate(POPULATION);
      await run.probes.prepare(options.probes);
      run.user.start();
      return run;
    } catch (error) {
      await run.stop();
      throw error;
    }
  }

  private constructor(cluster: ChaosCluster, options: ChaosOptions, random: SeededRandom) {
    const { namespaces, slots, pause } = options;
    this.cluster = cluster;
    this.#options = options;
    this.#random = random.fork("episodes");
    this.user = new User({ environment: cluster.environment, random: random.fork("user"), namespaces, slots, pause });
    this.probes = new ProbeEdits(this.user);
    this.#settlement = new Settlement(cluster, this.user, namespaces);
  }

  /** Faults of one kind, and the recovery from them. */
  async episode(kind: FaultKind, amount: number, episode: Episode = EPISODES[kind]): Promise<void> {
    const { cluster } = this;
    const before = cluster.tally.count();
    const started = performance.now();
    const after = await episode(this.#scene(amount));
    const struck = performance.now();
    await this.probes.measure(kind);
    const recovered = performance.now();
    await after?.();
    // The next one may need a standby.
    if (PROCESS.has(kind)) await cluster.complete();
    const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
    const fired = cluster.tally.count() - before;
    this.#options.say(`${kind}: ${fired} in ${seconds(struck - started)}, recovered in ${seconds(recovered - struck)}`);
  }

  /** Faults of one kind, whose recovery nobody times. */
  async strike(kind: FaultKind, amount: number): Promise<void> {
    const after = await EPISODES[kind](this.#scene(amount));
    await after?.();
  }

  /** Lets everything come to rest without faults, and judges what is there; then the user goes on. */
  async settle(): Promise<void> {
    await this.user.pause();
    this.cluster.liftFaults();
    await this.cluster.complete();
    const started = performance.now();
    const lost = await this.#settlement.settle(this.#options.settleMs);
    this.violations.push(...lost);
    const took = ((performance.now() - started) / 1_000).toFixed(1);
    this.#options.say(`at rest after ${took} s: ${this.user.live.size} domains, ${lost.length} changes lost`);
    for (const line of lost) this.#options.say(`  ${line}`);
    this.user.start();
  }

  /** What the whole run is judged by; nothing changes any more. */
  async verdict(): Promise<Verdict> {
    await this.user.pause();
    return {
      lostChanges: [...this.violations, ...this.probes.unanswered],
      duplicateRows: rowFindings(this.cluster, this.user),
      doubleCharges: chargeFindings(this.cluster, this.#options.namespaces),
      unhandled: processFindings(this.cluster),
      ...(await statusVerdict(this.cluster)),
    };
  }

  /** The kinds in an order that the seed chooses. */
  shuffledKinds(): FaultKind[] {
    return this.#random.shuffled(FAULT_KINDS);
  }

  pick<T>(items: readonly T[]): T {
    return this.#random.pick(items);
  }

  between(least: number, most: number): number {
    return this.#random.between(least, most);
  }

  #scene(amount: number): Scene {
    const { cluster, user, violations } = this;
    return { cluster, user, violations, amount, random: this.#random };
  }

  async stop(): Promise<void> {
    await this.user.pause().catch((error: unknown) => this.violations.push(String(error)));
    await this.cluster.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
