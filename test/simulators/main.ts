import { once } from "node:events";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { demonstrationTimings, documentedTimings } from "./cloudflare/timings.ts";
import { manifestsFor, platform } from "./platform.ts";
import { startWorld, type World, type WorldPorts } from "./world.ts";

const HELP = `Starts simulated DNS, Cloudflare, Chargebee and an edge with its origin on loopback addresses.

  --real-timings     checks and issuance take as long as documented; without it, minutes become seconds
  --any-ports        free ports instead of 5300 (DNS), 5400 (its admin), 5401 (Cloudflare), 5402 (Chargebee), 5403 (edge), 8080, 8443
  --manifests        print only the Secrets and the CustomDomainClass that connect an operator, as YAML
  --namespace NAME   of the Secrets; custom-domain-operator unless given
`;

/** For every server: what was printed once works again after a restart. */
const FIXED_PORTS = {
  dns: 5300,
  dnsAdmin: 5400,
  cloudflare: 5401,
  chargebee: 5402,
  edgeAdmin: 5403,
  http: 8080,
  https: 8443,
} as const satisfies Required<WorldPorts>;

const { values } = parseArgs({
  options: {
    "real-timings": { type: "boolean", default: false },
    "any-ports": { type: "boolean", default: false },
    manifests: { type: "boolean", default: false },
    namespace: { type: "string", default: "custom-domain-operator" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else await run();

async function run(): Promise<void> {
  const world = await startWorld({
    timings: values["real-timings"] ? documentedTimings : demonstrationTimings,
    ports: values["any-ports"] ? {} : FIXED_PORTS,
  });
  world.addSubscription("simulated-subscription");
  const manifests = manifestsFor(world.connection, { namespace: values.namespace, className: "default" });
  const yaml = manifests.map((manifest) => stringify(manifest)).join("---\n");
  process.stdout.write(values.manifests ? yaml : `${overview(world)}\n${yaml}`);
  const stop = new AbortController();
  await Promise.race([once(process, "SIGINT", stop), once(process, "SIGTERM", stop)]);
  stop.abort();
  await world.close();
}

/** Lines are comments, so that the whole output can be applied. */
function overview(world: World): string {
  const { dns, cloudflare, chargebee, edge, connection } = world;
  const lines = [
    `DNS         ${dns.resolver} (recursive), ${dns.nameservers.map((server) => server.address).join(", ")} (authoritative); admin ${dns.url}/admin/records`,
    `Cloudflare  ${cloudflare.apiURL}, zone ${connection.zoneID}, token ${connection.cloudflareToken}; admin ${cloudflare.url}/admin/rows`,
    `Chargebee   ${connection.chargebeeURL}, key ${connection.chargebeeKey}, subscription simulated-subscription; admin ${chargebee.url}/admin/state`,
    `Edge        ${edge.address}, ports ${edge.httpPort} and ${edge.httpsPort}; admin ${edge.url}/admin/state`,
    "",
    "A customer's zone and a record in it:",
    `  curl -d '{"apex":"customer.dev"}' ${dns.url}/admin/zones`,
    `  curl -d '{"op":"set","name":"app.customer.dev","type":"CNAME","values":["${platform.target}"]}' ${dns.url}/admin/records`,
    "What the edge answers then, once the domain is connected:",
    `  curl -k --connect-to ::${edge.address}:${edge.httpsPort} https://app.customer.dev/`,
    "",
    "Stop with Ctrl-C. To connect an operator, apply:",
  ];
  return lines.map((line) => `# ${line}`.trimEnd()).join("\n");
}
