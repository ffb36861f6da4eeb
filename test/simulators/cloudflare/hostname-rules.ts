import { isIP } from "node:net";
import { parse } from "tldts";
import { APIError } from "./api-error.ts";

const RESERVED_TLDS = new Set(["test", "example", "invalid", "localhost"]);
const FORBIDDEN_DOMAINS = ["example.com", "example.net", "example.org"];
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Throws the error the API answers for a hostname it would not take; returns it in lower case. */
export function acceptHostname(hostname: string): string {
  const name = hostname.toLowerCase();
  if (Buffer.byteLength(name) !== name.length)
    throw new APIError(400, 1408, "The custom hostname can only contain ASCII characters.");
  if (name.startsWith("*.")) throw new APIError(400, 1448, "Wildcard custom hostnames are not supported.");
  if (!isHostname(name)) throw new APIError(400, 1407, "Invalid custom hostname. Please use a valid hostname.");
  if (RESERVED_TLDS.has(name.slice(name.lastIndexOf(".") + 1))) {
    throw new APIError(400, 1409, "The custom hostname uses a reserved top-level domain.");
  }
  if (parse(name, { allowPrivateDomains: true }).domain === null) {
    throw new APIError(400, 1410, "The custom hostname is a public suffix.");
  }
  if (FORBIDDEN_DOMAINS.some((domain) => name === domain || name.endsWith(`.${domain}`))) {
    throw new APIError(
      400,
      1411,
      "The custom hostname uses a domain that is not allowed: example.com, example.net and example.org.",
    );
  }
  return name;
}

function isHostname(name: string): boolean {
  const labels = name.split(".");
  return name.length <= 255 && labels.length >= 2 && isIP(name) === 0 && labels.every((label) => LABEL.test(label));
}

/** `isKnown`: whether the name has an address or alias record in the zone. Throws 1415, 1416, 1419 or 1421. */
export async function acceptOrigin(server: string, zoneName: string, isKnown: (name: string) => Promise<boolean>): Promise<void> {
  if (isIP(server) !== 0) throw new APIError(400, 1415, "The custom origin server must be a hostname, not an IP address.");
  if (server.startsWith("*.")) throw new APIError(400, 1419, "The custom origin server cannot be a wildcard.");
  if (!isHostname(server.toLowerCase())) throw new APIError(400, 1416, "The custom origin server is not a valid hostname.");
  const belongs = server === zoneName || server.endsWith(`.${zoneName}`);
  if (!belongs || !(await isKnown(server))) {
    throw new APIError(400, 1421, "The custom origin server does not have a corresponding A, AAAA or CNAME record in the zone.");
  }
}
