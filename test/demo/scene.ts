import type { Clock } from "../../src/runtime/clock.ts";
import type { World } from "../simulators/world.ts";
import type { Cluster } from "./cluster.ts";
import type { PlantedFaults } from "./faults.ts";
import type { Narrator } from "./narrator.ts";
import type { StepTools } from "./runner.ts";
import type { Samples } from "./samples.ts";

/** Everything that a step of the story works with. */
export interface Scene extends StepTools {
  readonly cluster: Cluster;
  readonly world: World;
  readonly samples: Samples;
  readonly faults: PlantedFaults;
  readonly narrator: Narrator;
  readonly clock: Clock;
}

export interface Step {
  readonly title: string;
  /** Resolves to what came of it, in a few words; rejects when the promise that it shows is not kept. */
  readonly run: (scene: Scene) => Promise<string>;
}

/** The names in config/samples/. */
export const CLASS = "storefronts";
export const SHOP = { namespace: "lindqvist", name: "shop" } as const;
export const MAIN = { namespace: "lindqvist", name: "main" } as const;
export const BOOKINGS = { namespace: "marlow", name: "bookings" } as const;
export const LINDQVIST_ACCOUNT = { namespace: "lindqvist", name: CLASS } as const;
