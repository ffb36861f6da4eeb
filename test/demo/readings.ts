import type { World } from "../simulators/world.ts";

/** Custom hostnames that exist at the simulated Cloudflare. */
export function hostnamesAt(world: World): readonly string[] {
  return world.cloudflare
    .rows()
    .map(({ hostname }) => String(hostname))
    .sort();
}

/** The quantity that a subscription is billed for at the simulated Chargebee; 0: it has no line for domains. */
export function billedQuantity(world: World, subscriptionID: string): number {
  return world.chargebee.quantity(subscriptionID, world.connection.itemPriceID) ?? 0;
}

export function billedAs(quantity: number): string {
  return quantity === 0 ? "no line for custom domains" : `quantity ${quantity}`;
}
