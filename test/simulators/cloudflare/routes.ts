import { z } from "zod";
import { parseJSON, type SimulatorRequest, type SimulatorResponse, type SimulatorServer } from "../http.ts";
import type { Access } from "./access.ts";
import { APIError, succeed } from "./api-error.ts";
import { acceptHostnameRequest } from "./hostname-request.ts";
import { selectPage } from "./list-query.ts";
import { renderRow } from "./render.ts";
import type { SimulatedZone } from "./zone.ts";

export const API_PREFIX = "/client/v4";

const HOSTNAMES = `${API_PREFIX}/zones/:zone/custom_hostnames`;
const HOSTNAME = `${HOSTNAMES}/:id`;

type Zones = ReadonlyMap<string, SimulatedZone>;
type ZoneHandler = (zone: SimulatedZone, request: SimulatorRequest) => SimulatorResponse | Promise<SimulatorResponse>;

/** Registers the documented endpoints. Fixed paths come before `/:id`. */
export function addRoutes(server: SimulatorServer, zones: Zones, access: Access): void {
  const inZone = (method: string, pattern: string, handler: ZoneHandler) =>
    server.route(method, pattern, (request) => handler(findZone(zones, request), request));
  server.route("GET", `${API_PREFIX}/user/tokens/verify`, (request) =>
    succeed(200, access.verifyUserToken(access.tokenOf(request))),
  );
  server.route("GET", `${API_PREFIX}/accounts/:account/tokens/verify`, (request) =>
    succeed(200, access.verifyAccountToken(access.tokenOf(request))),
  );
  server.route("GET", `${API_PREFIX}/zones`, (request) => {
    const name = request.query.get("name");
    const found = [...zones.values()].filter((zone) => name === null || zone.name === name);
    const count = found.length;
    const resultInfo = { page: 1, per_page: 20, count, total_count: count, total_pages: 1 };
    return succeed(200, found.map(renderZone), { resultInfo });
  });
  inZone("GET", `${API_PREFIX}/zones/:zone`, (zone) => succeed(200, renderZone(zone)));
  inZone("GET", `${API_PREFIX}/zones/:zone/dcv_delegation/uuid`, (zone) => succeed(200, { uuid: zone.delegationUUID }));
  inZone("GET", `${HOSTNAMES}/quota`, (zone) => succeed(200, zone.renderQuota()));
  addFallbackOriginRoutes(inZone);
  addHostnameRoutes(inZone);
}

type Register = (method: string, pattern: string, handler: ZoneHandler) => void;

function addFallbackOriginRoutes(inZone: Register): void {
  const pattern = `${HOSTNAMES}/fallback_origin`;
  inZone("GET", pattern, (zone) => succeed(200, zone.fallbackOrigin.render()));
  inZone("PUT", pattern, (zone, request) => {
    const parsed = z.object({ origin: z.string().min(1) }).safeParse(parseJSON(request));
    if (!parsed.success) throw new APIError(400, 1400, "Unable to decode the JSON request body.");
    zone.fallbackOrigin.put(parsed.data.origin);
    return succeed(200, zone.fallbackOrigin.render());
  });
  inZone("DELETE", pattern, (zone) => {
    zone.fallbackOrigin.remove();
    return succeed(200, zone.fallbackOrigin.render());
  });
}

function addHostnameRoutes(inZone: Register): void {
  inZone("GET", HOSTNAMES, (zone, request) => {
    zone.quota();
    const page = selectPage(zone.rows(), request.query, zone.maxPerPage);
    const result = page.rows.map((row) => renderRow(row, zone.delegationUUID));
    return succeed(200, result, { resultInfo: page.resultInfo });
  });
  inZone("POST", HOSTNAMES, async (zone, request) => {
    zone.quota();
    const { row, messages } = await zone.create(acceptHostnameRequest(request, zone.plan));
    return succeed(201, renderRow(row, zone.delegationUUID), { messages });
  });
  inZone("GET", HOSTNAME, (zone, request) => {
    zone.quota();
    return succeed(200, renderRow(zone.find(request.params.id ?? ""), zone.delegationUUID));
  });
  inZone("PATCH", HOSTNAME, async (zone, request) => {
    zone.quota();
    const row = await zone.change(request.params.id ?? "", acceptHostnameRequest(request, zone.plan));
    return succeed(202, renderRow(row, zone.delegationUUID));
  });
  inZone("DELETE", HOSTNAME, (zone, request) => {
    const id = request.params.id ?? "";
    zone.quota();
    zone.remove(id);
    // Recorded without the usual envelope.
    return { status: 200, body: { id } };
  });
}

/** The hostname that a write is about, as far as the request tells. */
export function affectedHostname(request: SimulatorRequest, zones: Zones): string | undefined {
  const zone = zones.get(request.params.zone ?? "");
  if (zone === undefined) return undefined;
  if (request.route === `POST ${HOSTNAMES}`) return hostnameInBody(request);
  if (request.route === `PATCH ${HOSTNAME}` || request.route === `DELETE ${HOSTNAME}`) {
    return zone.hostnameOf(request.params.id ?? "") ?? request.params.id;
  }
  return undefined;
}

function hostnameInBody(request: SimulatorRequest): string | undefined {
  try {
    return z.object({ hostname: z.string() }).safeParse(parseJSON(request)).data?.hostname.toLowerCase();
  } catch {
    return undefined;
  }
}

function findZone(zones: Zones, request: SimulatorRequest): SimulatedZone {
  const id = request.params.zone ?? "";
  if (!/^[0-9a-f]{32}$/.test(id)) {
    throw new APIError(400, 7003, `Could not route to ${request.path}, perhaps your object identifier is invalid?`);
  }
  const zone = zones.get(id);
  if (zone === undefined) throw new APIError(403, 9109, "Unauthorized to access requested resource");
  return zone;
}

function renderZone(zone: SimulatedZone): Readonly<Record<string, unknown>> {
  return { id: zone.id, name: zone.name, status: "active", paused: false, type: "full" };
}
