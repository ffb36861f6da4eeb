import type { CustomDomain } from "../../src/api/v1/custom-domain.ts";
import { findCondition } from "../../src/core/conditions.ts";
import type { PublishedRecord } from "../simulators/world.ts";
import type { Environment } from "./environment.ts";

/** The records that a domain's status asks its owner for; `required` alone unless `all`. */
export function askedFor(domain: CustomDomain | undefined, all = false): PublishedRecord[] {
  return (domain?.status?.verificationRecords ?? [])
    .filter(({ required }) => all || required)
    .map(({ type, name, value }) => {
      if (type === "CAA") throw new Error("the world publishes no CAA records");
      return { type, name, value };
    });
}

/** Waits until the domain says what to publish, and publishes it, as an owner would. */
export async function publishAsked(environment: Environment, namespace: string, name: string): Promise<void> {
  const asked = async () => askedFor(await environment.getDomain(namespace, name));
  await environment.until(`${namespace}/${name} to ask for records`, async () => (await asked()).length >= 2);
  environment.world.publish(await asked());
}

export async function untilVerified(environment: Environment, namespace: string, name: string): Promise<CustomDomain> {
  let domain: CustomDomain | undefined;
  await environment.passUntil(
    `${namespace}/${name} to be verified`,
    async () => {
      domain = await environment.getDomain(namespace, name);
      return domain?.status?.verified === true && conditionOf(domain, "Ready") === "True";
    },
    3_600_000,
  );
  if (domain === undefined) throw new Error(`${namespace}/${name} does not exist`);
  return domain;
}

/** From nothing to live. */
export async function connect(environment: Environment, namespace: string, name: string, domain: string): Promise<CustomDomain> {
  await environment.domain(namespace, name, { domain });
  await publishAsked(environment, namespace, name);
  return untilVerified(environment, namespace, name);
}

export async function untilGone(environment: Environment, namespace: string, name: string): Promise<void> {
  await environment.passUntil(
    `${namespace}/${name} to be gone`,
    async () => (await environment.getDomain(namespace, name)) === undefined,
    1_800_000,
  );
}

/** "True", "False", "Unknown", or undefined when there is no such condition. */
export function conditionOf(domain: CustomDomain | undefined, type: string): string | undefined {
  return findCondition(domain?.status?.conditions, type)?.status;
}

export function reasonOf(domain: CustomDomain | undefined, type: string): string | undefined {
  return findCondition(domain?.status?.conditions, type)?.reason;
}

/** Custom hostnames that exist at the simulated Cloudflare, by name. */
export function hostnamesAt(environment: Environment): string[] {
  return environment.world.cloudflare
    .rows()
    .filter(({ status }) => status !== "deleted" && status !== "pending_deletion")
    .map(({ hostname }) => String(hostname))
    .sort();
}

/** Requests of any kind that the simulated Cloudflare has had. */
export function callsAt(environment: Environment): number {
  return Object.values(environment.world.cloudflare.counters()).reduce((sum, count) => sum + count, 0);
}
