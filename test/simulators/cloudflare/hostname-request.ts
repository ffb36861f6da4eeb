import { z } from "zod";
import { parseJSON, type SimulatorRequest } from "../http.ts";
import { APIError } from "./api-error.ts";
import type { Plan } from "./plan.ts";
import type { ValidationMethod } from "./row.ts";
import { acceptSSL, type SSLRequest } from "./ssl-request.ts";

/** A field left out is undefined: unchanged by a PATCH. */
export interface HostnameRequest {
  readonly hostname: string | undefined;
  readonly ssl: SSLRequest | undefined;
  readonly originServer: string | undefined;
  readonly originSNI: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

const schema = z.object({
  hostname: z.string().optional(),
  ssl: z.unknown().optional(),
  custom_origin_server: z.string().optional(),
  custom_origin_sni: z.string().optional(),
  custom_metadata: z.record(z.string(), z.unknown()).optional(),
});

/** Throws what the API answers for a body it would not take. */
export function acceptHostnameRequest(request: SimulatorRequest, plan: Plan): HostnameRequest {
  const parsed = schema.safeParse(decode(request));
  if (!parsed.success) {
    const isMetadata = parsed.error.issues[0]?.path[0] === "custom_metadata";
    throw isMetadata ? new APIError(400, 1401, "The custom metadata cannot be decoded.") : undecodable();
  }
  const { hostname, ssl, custom_origin_server, custom_origin_sni, custom_metadata } = parsed.data;
  if (custom_metadata !== undefined && Object.keys(custom_metadata).length > 0 && !plan.customMetadata) {
    throw new APIError(403, 1413, "Custom metadata is not available for this account.");
  }
  if ((custom_origin_server !== undefined && !plan.customOrigin) || (custom_origin_sni !== undefined && !plan.customOriginSNI)) {
    throw new APIError(403, 1414, "Custom origins are not available for this account.");
  }
  return {
    hostname,
    ssl: ssl === undefined || ssl === null ? undefined : acceptSSL(ssl, plan),
    originServer: custom_origin_server,
    originSNI: custom_origin_sni,
    metadata: custom_metadata,
  };
}

/** A request with nothing but a hostname and, where a method is given, a certificate. */
export function minimalRequest(
  hostname: string,
  method: ValidationMethod | undefined,
): HostnameRequest & { readonly hostname: string } {
  const nothing = { wildcard: undefined, authority: undefined, bundleMethod: undefined, settings: undefined, branding: false };
  const ssl = method === undefined ? undefined : { method, ...nothing };
  return { hostname, ssl, originServer: undefined, originSNI: undefined, metadata: undefined };
}

function decode(request: SimulatorRequest): unknown {
  try {
    return parseJSON(request);
  } catch {
    throw undecodable();
  }
}

function undecodable(): APIError {
  return new APIError(400, 1400, "Unable to decode the JSON request body.");
}
