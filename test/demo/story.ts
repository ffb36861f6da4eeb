import type { Step } from "./scene.ts";
import { beyondFreeTier } from "./steps/beyond-free-tier.ts";
import { classReady } from "./steps/class-ready.ts";
import { deletion } from "./steps/deletion.ts";
import { firstDomain } from "./steps/first-domain.ts";
import { wrongRecord } from "./steps/wrong-record.ts";
import { wwwPair } from "./steps/www-pair.ts";

/** In the order in which they are told: each goes on from what the ones before it left. */
export const STORY: readonly Step[] = [classReady, firstDomain, beyondFreeTier, wwwPair, wrongRecord, deletion];
