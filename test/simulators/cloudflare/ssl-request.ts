import { z } from "zod";
import { APIError } from "./api-error.ts";
import type { Plan } from "./plan.ts";
import type { ValidationMethod } from "./row.ts";
import type { AuthorityName } from "./statuses.ts";

export interface TLSSettings {
  readonly http2?: "on" | "off" | undefined;
  readonly tls_1_3?: "on" | "off" | undefined;
  readonly early_hints?: "on" | "off" | undefined;
  readonly min_tls_version?: "1.0" | "1.1" | "1.2" | "1.3" | undefined;
  readonly ciphers?: readonly string[] | undefined;
}

export interface SSLRequest {
  readonly method: ValidationMethod;
  readonly wildcard: boolean | undefined;
  /** Undefined: the service chooses. */
  readonly authority: AuthorityName | undefined;
  readonly bundleMethod: string | undefined;
  readonly settings: TLSSettings | undefined;
  readonly branding: boolean;
}

const onOff = z.enum(["on", "off"]);
const schema = z.object({
  method: z.enum(["http", "txt", "email"]).optional(),
  type: z.literal("dv").optional(),
  wildcard: z.boolean().optional(),
  certificate_authority: z.enum(["google", "lets_encrypt", "ssl_com", ""]).optional(),
  bundle_method: z.enum(["ubiquitous", "optimal", "force"]).optional(),
  cloudflare_branding: z.boolean().optional(),
  settings: z
    .object({
      http2: onOff.optional(),
      tls_1_3: onOff.optional(),
      early_hints: onOff.optional(),
      min_tls_version: z.enum(["1.0", "1.1", "1.2", "1.3"]).optional(),
      ciphers: z.array(z.string()).optional(),
    })
    .optional(),
});

/** Which field is wrong decides the code; the first issue counts. */
const fieldErrors: readonly (readonly [path: string, code: number, message: string])[] = [
  ["settings.http2", 1422, "The value of http2 is invalid."],
  ["settings.tls_1_3", 1424, "The value of tls_1_3 is invalid."],
  ["settings.min_tls_version", 1425, "The value of min_tls_version is invalid."],
  ["settings.ciphers", 1442, "The list of ciphers is invalid."],
  ["bundle_method", 1449, "The value of bundle_method is invalid."],
  ["method", 1432, "The SSL method is invalid."],
  ["type", 1433, "The SSL type is invalid."],
];

/** Throws what the API answers for an `ssl` object it would not take. */
export function acceptSSL(value: unknown, plan: Plan): SSLRequest {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join(".") ?? "";
    const [, code, message] = fieldErrors.find(([field]) => path.startsWith(field)) ?? [
      "",
      1434,
      "The SSL attribute is invalid.",
    ];
    throw new APIError(400, code, message);
  }
  const { method, type, certificate_authority, wildcard, settings, bundle_method, cloudflare_branding } = parsed.data;
  if (method === undefined || type === undefined) throw new APIError(400, 1440, "Both the SSL type and method are required.");
  if (settings?.ciphers !== undefined && settings.min_tls_version === "1.3") {
    throw new APIError(400, 1443, "Ciphers cannot be set when the minimum TLS version is 1.3.");
  }
  // Even the authority the service itself chose is refused when it is sent back.
  const authority = certificate_authority === "" ? undefined : certificate_authority;
  if (authority !== undefined && !plan.certificateAuthority) {
    throw new APIError(400, 1459, "Selecting a certificate authority is only available on an Enterprise plan.");
  }
  if (wildcard === true && !plan.wildcard)
    throw new APIError(403, 1448, "Wildcard custom hostnames are not available on this plan.");
  if (wildcard === true && method !== "txt") throw new APIError(400, 1432, "Wildcard certificates need the txt method.");
  return { method, wildcard, authority, bundleMethod: bundle_method, settings, branding: cloudflare_branding === true };
}
