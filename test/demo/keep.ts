import { once } from "node:events";
import { dirname } from "node:path";
import type { VerificationRecord } from "../../src/api/v1/custom-domain-status.ts";
import { askedRecords } from "./customer.ts";
import { type Scene, SHOP } from "./scene.ts";
import type { Stage } from "./stage.ts";

/** A domain that waits for its owner: whoever keeps the demo. */
const WAITING = { namespace: SHOP.namespace, name: "atelier" } as const;

/** Leaves one more domain waiting for its records, and prints how to go on from there. */
export async function offerMore(stage: Stage, scene: Scene): Promise<string> {
  const { cluster, samples, narrator, world } = scene;
  const [sample] = samples.file("custom-domain-subdomain.yaml").manifests;
  if (sample === undefined) throw new Error("the sample holds no object");
  const domain = "atelier.lindqvistkeramik.se";
  const manifest = { ...sample, metadata: { ...sample.metadata, ...WAITING }, spec: { domain } };
  await cluster.apply([manifest], `-   # the same for ${domain}`);
  const records = await askedRecords(WAITING, scene);
  narrator.line();
  narrator.line("Everything is left running. In another terminal:");
  const commands = [
    `export KUBECONFIG=${stage.controlPlane.kubeconfig}`,
    `export PATH=${dirname(stage.controlPlane.kubectl)}:$PATH`,
    "kubectl get cdom -A",
    `kubectl describe cdom ${WAITING.name} -n ${WAITING.namespace}`,
    "# publish the records that it asks for, then watch it become Ready",
    ...records.map((record) => publishing(record, world.dns.url)),
    "kubectl get cdom -A -w",
    `curl -k --connect-to ::${world.edge.address}:${world.edge.httpsPort} https://${domain}/`,
    "# what the simulators have",
    `curl ${world.cloudflare.url}/admin/rows`,
    `curl ${world.chargebee.url}/admin/state`,
    "# and away with it",
    `kubectl delete cdom ${WAITING.name} -n ${WAITING.namespace}`,
  ];
  for (const command of commands) narrator.say(command);
  narrator.line();
  narrator.line(`The operator's log is ${stage.operator.logFile}. Ctrl-C stops everything.`);
  return `${domain} waits for its records`;
}

/** A pending promise does not keep Node.js alive; a timer does. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  const alive = setInterval(() => {}, 60_000);
  if (!signal.aborted) await once(signal, "abort");
  clearInterval(alive);
}

function publishing({ type, name, value }: VerificationRecord, url: string): string {
  return `curl -d '${JSON.stringify({ op: "add", name, type, values: [value] })}' ${url}/admin/records`;
}
