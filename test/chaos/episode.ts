import type { ChaosCluster } from "./chaos-cluster.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { User } from "./user.ts";

/** What an episode works on. */
export interface Scene {
  readonly cluster: ChaosCluster;
  readonly user: User;
  readonly random: SeededRandom;
  /** How many faults the episode is to cause, where one is not all there can be. */
  readonly amount: number;
  /** Where an episode notes what must not happen. */
  readonly violations: string[];
}

/**
 * Causes the faults of one kind. Resolves at their end, or, where the operator has to help itself, at their beginning: from
 * then on its recovery is timed. What it resolves to, if anything, is called once the recovery is over.
 */
export type Episode = (scene: Scene) => Promise<(() => Promise<void>) | undefined>;
