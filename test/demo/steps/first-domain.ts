import { nameOf } from "../cluster.ts";
import { askedRecords, publish } from "../customer.ts";
import { seconds } from "../narrator.ts";
import { billedAs, billedQuantity } from "../readings.ts";
import { LINDQVIST_ACCOUNT, type Scene, SHOP, type Step } from "../scene.ts";
import { untilLive } from "../watch.ts";

export const firstDomain: Step = {
  title: "A first domain, from kubectl apply to verified",
  run: async (scene: Scene) => {
    const { cluster, samples, narrator, world } = scene;
    const file = samples.file("custom-domain-subdomain.yaml");
    await cluster.apply(file.manifests, file.path);
    const route = samples.file("custom-domain-route.yaml");
    await cluster.apply(route.manifests, route.path);
    const records = await askedRecords(SHOP, scene);
    await cluster.show("get cdom -A");
    publish(records, scene);
    narrator.say(`The customer publishes ${records.length} records at the DNS provider.`);
    const { domain, tookMs } = await untilLive(SHOP, scene);
    const { check, domain: hostname = "", verifiedAt } = domain.status ?? {};
    if (check !== undefined) {
      narrator.say(
        `status.check: found ${check.found}, certificate valid ${check.sslValid}, HTTP ${check.httpStatus} in ${check.responseTimeMs} ms`,
      );
    }
    const subscription = (await cluster.account(LINDQVIST_ACCOUNT))?.spec.subscriptionID ?? "";
    const quantity = billedQuantity(world, subscription);
    if (quantity !== 0) throw new Error(`the first domain is free, but Chargebee has ${billedAs(quantity)}`);
    narrator.say(`The first domain is free: at Chargebee, ${subscription} has ${billedAs(quantity)}.`);
    narrator.success(`${nameOf(SHOP)} is verified since ${verifiedAt}, ${seconds(tookMs)} after its records were published.`);
    return `${hostname} verified ${seconds(tookMs)} after its records were published`;
  },
};
