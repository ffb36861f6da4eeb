import type { CustomDomain } from "../../src/api/v1/custom-domain.ts";
import { findCondition } from "../../src/core/conditions.ts";
import { nameOf, type ObjectRef } from "./cluster.ts";
import { seconds } from "./narrator.ts";
import type { Scene } from "./scene.ts";

const ASPECTS = ["OwnershipVerified", "DNSConfigured", "HostnameActive", "CertificateReady", "Routed", "Ready"] as const;

/** Tells each condition as the API server begins to show it True, until the domain is verified and Ready. */
export async function untilLive(
  ref: ObjectRef,
  scene: Scene,
): Promise<{ readonly domain: CustomDomain; readonly tookMs: number }> {
  const { cluster, clock, narrator, until } = scene;
  const started = clock.monotonic();
  const told = new Set<string>();
  const domain = await until(`${nameOf(ref)} to be verified`, async () => {
    const current = await cluster.domain(ref);
    refuseStalled(`CustomDomain ${nameOf(ref)}`, current?.status?.conditions);
    for (const type of ASPECTS) {
      const condition = findCondition(current?.status?.conditions, type);
      if (condition?.status !== "True" || told.has(type)) continue;
      told.add(type);
      const after = `+${seconds(clock.monotonic() - started)}`.padStart(8);
      narrator.say(`${after}  ${type.padEnd(17)}  ${condition.reason}`);
    }
    return told.has("Ready") && current?.status?.verified === true && current;
  });
  return { domain, tookMs: clock.monotonic() - started };
}

/** Stalled means that waiting longer is of no use. */
export function refuseStalled(what: string, conditions: Parameters<typeof findCondition>[0]): void {
  const stalled = findCondition(conditions, "Stalled");
  if (stalled?.status === "True") throw new Error(`${what} is stalled, ${stalled.reason}: ${stalled.message}`);
}
