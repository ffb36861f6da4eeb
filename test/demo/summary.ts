import type { World } from "../simulators/world.ts";
import { type Narrator, seconds } from "./narrator.ts";

export interface FinishedStep {
  readonly title: string;
  /** What came of it, in a few words. */
  readonly result: string;
  readonly tookMs: number;
}

/** What was done and how long it took, and what it cost at the providers. */
export function summarise(world: World, steps: readonly FinishedStep[], tookMs: number, narrator: Narrator): void {
  narrator.heading("Summary");
  narrator.table(
    ["TIME", "STEP", "WHAT CAME OF IT"],
    [
      ...steps.map(({ title, result, tookMs }) => [seconds(tookMs).padStart(7), title, result]),
      [seconds(tookMs).padStart(7), "The whole demo", ""],
    ],
  );
  const { posts, patches, deletes } = world.cloudflare.ledger();
  narrator.say(
    `Writes at Cloudflare: ${posts} POST, ${patches} PATCH, ${deletes} DELETE. Writes at Chargebee: ${world.chargebee.posts()} POST.`,
  );
}
