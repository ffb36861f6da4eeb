import type { DnsRecordRow, VerificationRecord } from "../../../src/api/v1/custom-domain-status.ts";
import { findCondition } from "../../../src/core/conditions.ts";
import { nameOf } from "../cluster.ts";
import { askedRecords, publish } from "../customer.ts";
import { seconds } from "../narrator.ts";
import { BOOKINGS, type Scene, type Step } from "../scene.ts";
import { untilLive } from "../watch.ts";

/** Short, as careful customers set it before a change; resolvers remember the wrong value for that long. */
const TTL_SECONDS = 2;

export const wrongRecord: Step = {
  title: "A wrong record of another tenant, and the sentence that explains it",
  run: async (scene: Scene) => {
    const { cluster, samples, narrator, clock } = scene;
    const file = samples.file("tenant-marlow.yaml");
    await cluster.apply(file.manifests, file.path);
    const records = await askedRecords(BOOKINGS, scene);
    const routing = records.find(({ purpose }) => purpose === "Routing");
    if (routing === undefined) throw new Error(`${nameOf(BOOKINGS)} asks for no routing record`);
    publishWrongly(records, routing, scene);
    const started = clock.monotonic();
    const row = await explained(routing, scene);
    narrator.say(`${seconds(clock.monotonic() - started)} later, condition Ready and status.dnsRecords say what is wrong:`);
    await cluster.show(`get cdom -n ${BOOKINGS.namespace}`);
    narrator.table(["TYPE", "NAME", "DESIRED", "FOUND", "STATE", "ACTION"], [cellsOf(row)]);
    narrator.say(`"${row.message}"`);
    publish([routing], scene);
    narrator.say("The customer reads it, and corrects the record.");
    const { tookMs } = await untilLive(BOOKINGS, scene);
    narrator.success(`${nameOf(BOOKINGS)} is verified, ${seconds(tookMs)} after the correction.`);
    return `${row.reason} explained; verified ${seconds(tookMs)} after the correction`;
  },
};

/** The commonest slip: a value without a final dot, to which the provider's form appends the zone. */
function publishWrongly(records: readonly VerificationRecord[], routing: VerificationRecord, scene: Scene): void {
  publish(
    records.filter((record) => record !== routing),
    scene,
  );
  const zone = routing.name.slice(routing.name.indexOf(".") + 1);
  const value = `${routing.value}.${zone}`;
  scene.world.dns.setRecords(routing.name, routing.type, [value], { ttl: TTL_SECONDS });
  scene.narrator.say(
    `The customer publishes ${records.length} records, but the provider's form makes the ${routing.type} ${value}.`,
  );
}

/** The routing row of status.dnsRecords, once condition Ready says the same. */
function explained(routing: VerificationRecord, { cluster, until }: Scene): Promise<DnsRecordRow> {
  return until(`${nameOf(BOOKINGS)} to explain the wrong record`, async () => {
    const status = (await cluster.domain(BOOKINGS))?.status;
    const row = status?.dnsRecords?.find(({ type, name }) => type === routing.type && name === routing.name);
    const told = findCondition(status?.conditions, "Ready")?.message === row?.message;
    return row?.state === "Mismatch" && told && row;
  });
}

function cellsOf({ type, name, desired, found, state, action }: DnsRecordRow): string[] {
  return [type, name, desired.join(", "), found.join(", "), state, action];
}
