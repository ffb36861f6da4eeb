import { type CloudflareSimulator, startCloudflareSimulator } from "../../test/simulators/cloudflare/cloudflare-simulator.ts";
import type { ClaimBench } from "./claim-bench.fixture.ts";

export const ZONE_2 = "f".repeat(32);

/** Another zone at another Cloudflare, with the class `second` that uses it. */
export async function startSecondZone(bench: ClaimBench): Promise<CloudflareSimulator> {
  const { clock, connection } = bench.world;
  const zones = [{ id: ZONE_2, name: "second.dev", targets: [connection.target], quota: { allocated: 100, hardCap: 1_000 } }];
  const second = await startCloudflareSimulator({
    clock,
    resolver: connection.resolvers[0] ?? "",
    zones,
    tokens: [{ value: connection.cloudflareToken, zones: [ZONE_2] }],
  });
  second.setFallbackOrigin("active", ZONE_2);
  // The simulated edge serves the first zone only.
  bench.putClass("second", { cloudflare: { zoneID: ZONE_2, apiURL: second.apiURL }, check: { egress: "Off" } });
  return second;
}

/** Names in the zone that are not deleted. */
export function hostnamesIn(zone: CloudflareSimulator): string[] {
  const rows = zone.rows().filter(({ status }) => status !== "deleted" && status !== "pending_deletion");
  return rows.map(({ hostname }) => String(hostname)).sort();
}
