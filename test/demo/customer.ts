import type { VerificationRecord } from "../../src/api/v1/custom-domain-status.ts";
import type { PublishedRecord } from "../simulators/world.ts";
import { nameOf, type ObjectRef } from "./cluster.ts";
import type { Scene } from "./scene.ts";

/**
 * Waits until status says what to publish, and shows it as the customer would be shown it. Cloudflare's own records are left
 * out: they only make the certificate ready before the switch.
 */
export async function askedRecords(ref: ObjectRef, scene: Scene): Promise<readonly VerificationRecord[]> {
  const { cluster, narrator, until } = scene;
  const records = await until(`${nameOf(ref)} to say what to publish`, async () => {
    const asked = (await cluster.domain(ref))?.status?.verificationRecords ?? [];
    const needed = asked.filter(({ purpose }) => purpose !== "Certificate");
    return needed.filter(({ required }) => required).length >= 2 && needed;
  });
  narrator.say(`status.verificationRecords of CustomDomain ${nameOf(ref)} says what to publish:`);
  narrator.table(
    ["TYPE", "NAME", "VALUE", "PURPOSE", "REQUIRED"],
    records.map(({ type, name, value, purpose, required }) => [type, name, value, purpose, required ? "yes" : "no"]),
  );
  return records;
}

/** Does at the simulated DNS provider what the customer does by hand. */
export function publish(records: readonly VerificationRecord[], { world, faults }: Scene): void {
  const published = records.map(asPublished);
  world.publish(published);
  faults.afterPublishing(published);
}

function asPublished({ type, name, value }: VerificationRecord): PublishedRecord {
  if (type === "CAA") throw new Error("no CAA record is asked for in this story");
  return { type, name, value };
}
