import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** ipaddr.js also reads `127.1`, `010.0.0.1` and decimal numbers, each as another address than the resolver meant. */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return isIP(text) === 0 || text.includes("%") ? undefined : ipaddr.parse(text);
}

/** The canonical spelling of an address in strict notation (no `127.1`, no zone id), or undefined. */
export function canonicalAddress(text: string): string | undefined {
  return parseAddress(text)?.toString();
}
