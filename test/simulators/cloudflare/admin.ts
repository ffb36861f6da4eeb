import { z } from "zod";
import { json, parseJSON, type SimulatorServer } from "../http.ts";
import type { CloudflareSimulator } from "./cloudflare-simulator.ts";

const fallbackStatuses = [
  "initializing",
  "pending_deployment",
  "active",
  "deployment_timed_out",
  "pending_deletion",
  "deletion_timed_out",
] as const;
const zoneID = z.string().optional();
const hostname = z.strictObject({ hostname: z.string() });
const domain = z.strictObject({ domain: z.string() });

/** The same controls that tests call in process, for people and other programs: POST a JSON object. */
export function addAdminRoutes(server: SimulatorServer, simulator: CloudflareSimulator): void {
  const command = <T>(name: string, schema: z.ZodType<T>, run: (input: T) => unknown) =>
    server.admin("POST", `/admin/${name}`, (request) => {
      const parsed = schema.safeParse(parseJSON(request));
      if (!parsed.success) return json(400, { message: parsed.error.message });
      return json(200, { result: run(parsed.data) ?? null });
    });
  server.admin("GET", "/admin/rows", () => json(200, simulator.rows()));
  server.admin("GET", "/admin/ledger", () => json(200, simulator.ledger()));
  command("fallback-origin", z.strictObject({ status: z.enum(fallbackStatuses).nullable(), zoneID }), (input) =>
    simulator.setFallbackOrigin(input.status ?? undefined, input.zoneID),
  );
  const quota = z.strictObject({ allocated: z.number(), hardCap: z.number() });
  command("quota", z.strictObject({ quota: quota.nullable(), zoneID }), (input) =>
    simulator.setQuota(input.quota ?? undefined, input.zoneID),
  );
  command("hold-zone", domain, (input) => simulator.holdZone(input.domain));
  command("release-zone", domain, (input) => simulator.releaseZone(input.domain));
  command("mark-proxied", domain, (input) => simulator.markProxied(input.domain));
  command("block", hostname, (input) => simulator.block(input.hostname));
  command("unblock", hostname, (input) => simulator.unblock(input.hostname));
  command("delete-upstream", hostname, (input) => simulator.deleteUpstream(input.hostname));
  const foreign = z.strictObject({
    hostname: z.string(),
    zoneID: z.string().exactOptional(),
    createdAt: z.number().exactOptional(),
    originServer: z.string().exactOptional(),
    method: z.enum(["http", "txt"]).exactOptional(),
  });
  command("foreign-rows", foreign, (input) => simulator.addForeignRow(input));
  command("add-token", z.strictObject({ value: z.string() }), (input) => simulator.addToken(input));
  command("revoke-token", z.strictObject({ value: z.string() }), (input) => simulator.revokeToken(input.value));
}
