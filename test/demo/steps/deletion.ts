import { findCondition } from "../../../src/core/conditions.ts";
import { billedAs, billedQuantity, hostnamesAt } from "../readings.ts";
import { BOOKINGS, LINDQVIST_ACCOUNT, type Scene, type Step } from "../scene.ts";

export const deletion: Step = {
  title: "Deletion leaves nothing behind",
  run: async (scene: Scene) => {
    const { cluster, narrator, world, until } = scene;
    await cluster.show("get cdom -A");
    const before = hostnamesAt(world);
    narrator.say(`Cloudflare has ${before.length} custom hostnames: ${before.join(", ")}.`);
    await cluster.show(`delete cdom --all --namespace ${LINDQVIST_ACCOUNT.namespace} --timeout 60s`);
    await cluster.show(`delete cdom ${BOOKINGS.name} --namespace ${BOOKINGS.namespace} --timeout 60s`);
    await until("the domain's route to be collected", async () => (await cluster.list("customdomainroutes")).length === 0);
    await cluster.show("get cdom,customdomainroutes -A");
    await until("Cloudflare to have no custom hostname", () => hostnamesAt(world).length === 0);
    narrator.say(`Cloudflare has ${hostnamesAt(world).length} custom hostnames.`);
    const account = await until("the billed quantity to be released", async () => {
      const current = await cluster.account(LINDQVIST_ACCOUNT);
      const { conditions, desiredQuantity } = current?.status ?? {};
      const agreed = findCondition(conditions, "Synced")?.status === "True" && desiredQuantity === 0;
      return agreed && billedQuantity(world, current?.spec.subscriptionID ?? "") === 0 && current;
    });
    const { subscriptionID } = account.spec;
    await cluster.show("get billingaccounts -A");
    narrator.say(`Chargebee has ${billedAs(billedQuantity(world, subscriptionID))} on ${subscriptionID}.`);
    const claims = await until("every claim to be Released, without rows", async () => {
      const current = await cluster.list("domainclaims");
      return current.every(({ spec }) => spec.state === "Released" && spec.rows.length === 0) && current;
    });
    await cluster.show("get domainclaims");
    const [domains, routes] = [await cluster.list("customdomains"), await cluster.list("customdomainroutes")];
    const [first = "no time"] = claims.map(({ spec }) => spec.releaseAfterTime ?? "").sort();
    narrator.success(
      `${claims.length} names rest as Released claims, until ${first} at least; ` +
        `${domains.length} CustomDomains and ${routes.length} CustomDomainRoutes are left.`,
    );
    return `${hostnamesAt(world).length} custom hostnames at Cloudflare, ${billedAs(billedQuantity(world, subscriptionID))} at Chargebee`;
  },
};
