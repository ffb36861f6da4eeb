import { z } from "zod";
import { GROUP } from "../../src/api/v1/group.ts";
import { readAuditLog } from "../control-plane/audit-log.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import type { World } from "../simulators/world.ts";

const listSchema = z.object({ items: z.array(z.looseObject({ metadata: z.object({ name: z.string() }) })) });

/** What the API server has of the chart, in a few words. */
export async function installed(controlPlane: ControlPlane): Promise<string> {
  const names = async (path: string) => {
    const { status, body } = await controlPlane.request("GET", path);
    if (status !== 200) throw new Error(`the API server answered ${status} for ${path}`);
    return listSchema.parse(body).items.map(({ metadata }) => metadata.name);
  };
  const crds = await names("/apis/apiextensions.k8s.io/v1/customresourcedefinitions");
  const roles = await names("/apis/rbac.authorization.k8s.io/v1/clusterroles?labelSelector=app.kubernetes.io/managed-by%3DHelm");
  const kinds = crds.filter((name) => name.endsWith(`.${GROUP}`));
  return `${kinds.length} kinds of ${GROUP} and ${roles.length} ClusterRoles, installed by helm`;
}

/** The users as whom a program's requests came, by the API server's audit log; undefined before the first. */
export async function userOf(program: string, { auditLog }: ControlPlane): Promise<string | undefined> {
  const { events } = await readAuditLog(auditLog, { where: ({ userAgent }) => userAgent?.startsWith(program) === true });
  return events.length === 0 ? undefined : [...new Set(events.map(({ user }) => user.username))].join(" and ");
}

/** Custom hostnames that exist at the simulated Cloudflare. */
export function hostnamesAt(world: World): readonly string[] {
  return world.cloudflare
    .rows()
    .map(({ hostname }) => String(hostname))
    .sort();
}

/** The quantity that a subscription is billed for at the simulated Chargebee; 0: it has no line for domains. */
export function billedQuantity(world: World, subscriptionID: string): number {
  return world.chargebee.quantity(subscriptionID, world.connection.itemPriceID) ?? 0;
}

/** The addresses that the simulated DNS answers for a name. */
export function addressesOf(name: string, world: World): readonly string[] {
  const records = world.dns.records().filter((record) => record.name === name && record.type === "A");
  return [...new Set(records.flatMap(({ values }) => values.map(String)))];
}

export function billedAs(quantity: number): string {
  return quantity === 0 ? "no line for custom domains" : `quantity ${quantity}`;
}
