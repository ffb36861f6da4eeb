import ipaddr from "ipaddr.js";
import { parseAddress } from "../core/ip-address.ts";

/** Where a check may connect to. */
export interface AddressGuardSettings {
  /** Blocks that an admin vouches for: the only thing that lifts the deny list. */
  readonly allowedCIDRs: readonly string[];
  /** The cluster's pod, service and node blocks and the operator's own addresses. */
  readonly deniedCIDRs: readonly string[];
}

/** An address in its canonical spelling, or why nothing may be sent to it. The message holds no remote text. */
export type AddressVerdict =
  | { readonly allowed: true; readonly address: string }
  | { readonly allowed: false; readonly message: string };

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Block = readonly [Address, number];

/** Addresses with a meaning inside clouds or transition networks that ipaddr.js calls ordinary unicast. */
const EXTRA_DENIED = ["168.63.129.16/32", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "2620:4f:8000::/48"].map(
  parseBlock,
);

/** The only IPv6 space that IANA has opened for unicast; the rest is reserved. */
const GLOBAL_UNICAST_V6 = parseBlock("2000::/3");

/**
 * Keeps customer-controlled DNS from pointing a check at the cluster, the node or a cloud's metadata service.
 * Pure: one instance serves a class until its settings change.
 */
export class AddressGuard {
  readonly #allowed: readonly Block[];
  readonly #denied: readonly Block[];

  /** @throws RangeError when a block is not written as `address/prefix`. */
  constructor({ allowedCIDRs, deniedCIDRs }: AddressGuardSettings) {
    this.#allowed = allowedCIDRs.map(parseBlock);
    this.#denied = [...EXTRA_DENIED, ...deniedCIDRs.map(parseBlock)];
  }

  verdict(text: string): AddressVerdict {
    const address = parseAddress(text);
    if (address === undefined) return { allowed: false, message: "not an IP address" };
    const canonical = address.toString();
    if (isWithin(address, this.#allowed)) return { allowed: true, address: canonical };
    const range = address.range();
    if (range !== "unicast") return { allowed: false, message: `${canonical} is not a public address (${range})` };
    if (address.kind() === "ipv6" && !isWithin(address, [GLOBAL_UNICAST_V6]))
      return { allowed: false, message: `${canonical} is not a public address (reserved)` };
    if (isWithin(address, this.#denied))
      return { allowed: false, message: `${canonical} is on the list of addresses that are never contacted` };
    return { allowed: true, address: canonical };
  }
}

/** Whether `address` lies in one of `cidrs`. @throws RangeError when a block is not written as `address/prefix`. */
export function isInBlocks(address: string, cidrs: readonly string[]): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && isWithin(parsed, cidrs.map(parseBlock));
}

function parseBlock(text: string): Block {
  const [base = "", prefix = "", ...rest] = text.split("/");
  const address = parseAddress(base);
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (address === undefined || rest.length > 0 || bits < 0 || bits > (address.kind() === "ipv4" ? 32 : 128)) {
    throw new RangeError(`not an address block: ${JSON.stringify(text)}`);
  }
  return [address, bits];
}

/** A mapped address (::ffff:a.b.c.d) is never matched against IPv4 blocks: an override must name it as it is written. */
function isWithin(address: Address, blocks: readonly Block[]): boolean {
  return blocks.some(([base, bits]) => {
    if (address instanceof ipaddr.IPv4) return base instanceof ipaddr.IPv4 && address.match(base, bits);
    return base instanceof ipaddr.IPv6 && address.match(base, bits);
  });
}
