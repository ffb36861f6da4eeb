import { nameOf } from "../cluster.ts";
import { askedRecords, publish } from "../customer.ts";
import { fetchThroughEdge } from "../edge-request.ts";
import { seconds } from "../narrator.ts";
import { billedAs, billedQuantity } from "../readings.ts";
import { LINDQVIST_ACCOUNT, MAIN, type Scene, type Step } from "../scene.ts";
import { untilLive } from "../watch.ts";

const PAGE = "/nyheter?sida=2";

export const wwwPair: Step = {
  title: "It is an apex: www comes with it and redirects, at no cost",
  run: async (scene: Scene) => {
    const { cluster, narrator, world, until } = scene;
    publish(await askedRecords(MAIN, scene), scene);
    narrator.say("The customer publishes all three; the provider flattens the CNAME at the apex into addresses.");
    const { tookMs } = await untilLive(MAIN, scene);
    const hostnames = await until(`both hostnames of ${nameOf(MAIN)} to be active`, async () => {
      const rows = (await cluster.domain(MAIN))?.status?.hostnames ?? [];
      return rows.length === 2 && rows.every(({ status, sslStatus }) => status === "active" && sslStatus === "active") && rows;
    });
    narrator.say(`status.hostnames of CustomDomain ${nameOf(MAIN)}:`);
    narrator.table(
      ["HOSTNAME", "ROLE", "STATUS", "CERTIFICATE"],
      hostnames.map(({ hostname, role, status = "", sslStatus = "" }) => [hostname, role, status, sslStatus]),
    );
    const redirect = hostnames.find(({ role }) => role === "Redirect")?.hostname ?? "";
    const target = await follow(new URL(`https://${redirect}${PAGE}`), scene);
    const subscription = (await cluster.account(LINDQVIST_ACCOUNT))?.spec.subscriptionID ?? "";
    const quantity = billedQuantity(world, subscription);
    if (quantity !== 1) throw new Error(`the www twin never counts, but Chargebee has ${billedAs(quantity)}`);
    narrator.say(`Chargebee still bills ${billedAs(quantity)}: the www twin never counts.`);
    narrator.success(`${target.hostname} and ${redirect} are served, ${seconds(tookMs)} after their records were published.`);
    return `${redirect} answers 308 to ${target.hostname}`;
  },
};

/** Fetches both ends of the redirect. @throws Error when it is not a permanent one, or leads to anything but a page. */
async function follow(from: URL, { world, narrator, signal }: Scene): Promise<URL> {
  const first = await fetchThroughEdge(from, world, signal);
  narrator.say(`GET ${from.href} → ${first.status}, location ${first.location} (certificate for ${first.certificateFor})`);
  if (first.status !== 308 || first.location === undefined) throw new Error(`${from.hostname} does not redirect by 308`);
  const target = new URL(first.location);
  const second = await fetchThroughEdge(target, world, signal);
  narrator.say(`GET ${target.href} → ${second.status}, "${second.body.trim()}" (certificate for ${second.certificateFor})`);
  if (second.status !== 200) throw new Error(`${target.hostname} answers ${second.status}`);
  return target;
}
