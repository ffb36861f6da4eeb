import { findCondition } from "../../../src/core/conditions.ts";
import { nameOf } from "../cluster.ts";
import { seconds } from "../narrator.ts";
import { billedAs, billedQuantity } from "../readings.ts";
import { CLASS, LINDQVIST_ACCOUNT, type Scene, type Step } from "../scene.ts";
import { refuseStalled } from "../watch.ts";

const EXPECTED = 1;

export const beyondFreeTier: Step = {
  title: "A second domain, beyond the free tier, is billed",
  run: async (scene: Scene) => {
    const { cluster, samples, faults, narrator, world, clock, until } = scene;
    faults.beforeBilling();
    const file = samples.file("custom-domain-apex.yaml");
    await cluster.apply(file.manifests, file.path);
    const started = clock.monotonic();
    const account = await until(`Chargebee to bill quantity ${EXPECTED} for ${nameOf(LINDQVIST_ACCOUNT)}`, async () => {
      const current = await cluster.account(LINDQVIST_ACCOUNT);
      refuseStalled(`BillingAccount ${nameOf(LINDQVIST_ACCOUNT)}`, current?.status?.conditions);
      const synced = findCondition(current?.status?.conditions, "Synced")?.status === "True";
      return synced && current?.status?.desiredQuantity === EXPECTED && current;
    });
    const tookMs = clock.monotonic() - started;
    const { subscriptionID } = account.spec;
    const quantity = billedQuantity(world, subscriptionID);
    if (quantity !== EXPECTED) throw new Error(`the BillingAccount is Synced, but Chargebee has ${billedAs(quantity)}`);
    await cluster.show(`get billingaccounts -A`);
    const free = (await cluster.class(CLASS))?.spec.billing.chargebee?.freeQuantity;
    narrator.say(
      `BillingAccount ${nameOf(LINDQVIST_ACCOUNT)} counts ${account.status?.domains} domains, of which ${free} is free.`,
    );
    narrator.success(`Chargebee bills ${subscriptionID} for ${billedAs(quantity)}, ${seconds(tookMs)} after the second domain.`);
    return `Chargebee bills ${billedAs(quantity)} for ${account.status?.domains} domains`;
  },
};
