import type { VerificationRecord } from "../../../src/api/v1/custom-domain-status.ts";
import { nameOf } from "../cluster.ts";
import { askedRecords, publish } from "../customer.ts";
import { fetchThroughEdge } from "../edge-request.ts";
import { seconds } from "../narrator.ts";
import { addressesOf, billedAs, billedQuantity } from "../readings.ts";
import { LINDQVIST_ACCOUNT, MAIN, type Scene, type Step } from "../scene.ts";
import { untilLive } from "../watch.ts";

const PAGE = "/nyheter?sida=2";

export const wwwPair: Step = {
  title: "It is an apex: www comes with it and redirects, at no cost",
  run: async (scene: Scene) => {
    const { cluster, narrator, world, until } = scene;
    const records = await askedRecords(MAIN, scene);
    publish(records, scene);
    narrator.say(`The customer publishes ${records.length} records; ${flattening(records, scene)}.`);
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
    const { target, status } = await follow(new URL(`https://${redirect}${PAGE}`), scene);
    const subscription = (await cluster.account(LINDQVIST_ACCOUNT))?.spec.subscriptionID ?? "";
    const quantity = billedQuantity(world, subscription);
    if (quantity !== 1) throw new Error(`the www twin never counts, but Chargebee has ${billedAs(quantity)}`);
    narrator.say(`Chargebee still bills ${billedAs(quantity)}: the www twin never counts.`);
    narrator.success(`${target.hostname} and ${redirect} are served, ${seconds(tookMs)} after their records were published.`);
    return `${redirect} answers ${status} to ${target.hostname}`;
  },
};

/** No CNAME can stand at an apex: providers answer with the addresses of its target. */
function flattening(records: readonly VerificationRecord[], { world }: Scene): string {
  const apex = records.find(({ type, name }) => type === "CNAME" && addressesOf(name, world).length > 0);
  if (apex === undefined) throw new Error("the provider answers for the apex with no address");
  return `for the CNAME at ${apex.name} the provider answers with A ${addressesOf(apex.name, world).join(", ")}`;
}

/** Fetches both ends of the redirect. @throws Error when it is not a permanent one, or leads to anything but a page. */
async function follow(from: URL, { world, narrator, signal }: Scene): Promise<{ readonly target: URL; readonly status: number }> {
  const first = await fetchThroughEdge(from, world, signal);
  narrator.say(`GET ${from.href} → ${first.status}, location ${first.location} (certificate for ${first.certificateFor})`);
  if (first.status !== 308 || first.location === undefined) throw new Error(`${from.hostname} does not redirect by 308`);
  const target = new URL(first.location);
  const second = await fetchThroughEdge(target, world, signal);
  narrator.say(`GET ${target.href} → ${second.status}, "${second.body.trim()}" (certificate for ${second.certificateFor})`);
  if (second.status !== 200) throw new Error(`${target.hostname} answers ${second.status}`);
  return { target, status: first.status };
}
