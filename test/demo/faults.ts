import type { PublishedRecord, World } from "../simulators/world.ts";
import type { Break } from "./options.ts";

/** What DEMO_BREAK spoils, in the simulated world only; without it, nothing. */
export class PlantedFaults {
  readonly #world: World;
  readonly #break: Break | undefined;

  constructor(world: World, broken: Break | undefined) {
    this.#world = world;
    this.#break = broken;
  }

  /** dns: the customer's second name server never hears of the records, like a secondary whose zone transfers fail. */
  afterPublishing(records: readonly PublishedRecord[]): void {
    if (this.#break !== "dns") return;
    const [, secondary] = this.#world.dns.nameservers;
    if (secondary === undefined) throw new Error("the simulated DNS has no second name server");
    for (const { name, type, value } of records) this.#world.dns.removeRecord(name, type, value, { server: secondary.address });
  }

  /** billing: the customer's card is declined, so that Chargebee refuses every change of the quantity. */
  beforeBilling(): void {
    if (this.#break !== "billing") return;
    this.#world.chargebee.addFault({
      method: "POST",
      path: "/api/v2/subscriptions/:id/update_for_items",
      status: 400,
      body: {
        message: "Subscription cannot be changed as we are not able to collect the amount from your card on file.",
        type: "payment",
        api_error_code: "payment_processing_failed",
        http_status_code: 400,
      },
    });
  }
}
