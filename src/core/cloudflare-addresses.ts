import { BlockList, isIPv4, isIPv6 } from "node:net";

/**
 * [?] Cloudflare's proxy addresses as published at cloudflare.com/ips, which hardly ever changes. It tells a proxied name from a
 * plain wrong address: in the sentence for the owner, and where Cloudflare itself reports such a hostname as active, which is
 * then taken for routed. No request is allowed or refused by it.
 */
const PUBLISHED = [
  "173.245.48.0/20",
  "103.21.244.0/22",
  "103.22.200.0/22",
  "103.31.4.0/22",
  "141.101.64.0/18",
  "108.162.192.0/18",
  "190.93.240.0/20",
  "188.114.96.0/20",
  "197.234.240.0/22",
  "198.41.128.0/17",
  "162.158.0.0/15",
  "104.16.0.0/13",
  "104.24.0.0/14",
  "172.64.0.0/13",
  "131.0.72.0/22",
  "2400:cb00::/32",
  "2606:4700::/32",
  "2803:f800::/32",
  "2405:b500::/32",
  "2405:8100::/32",
  "2a06:98c0::/29",
  "2c0f:f248::/32",
] as const;

const blocks = blockList(PUBLISHED);

export function isCloudflareAddress(address: string): boolean {
  return isIPv4(address) ? blocks.check(address, "ipv4") : isIPv6(address) && blocks.check(address, "ipv6");
}

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [base = "", bits = ""] = cidr.split("/");
    list.addSubnet(base, Number(bits), isIPv4(base) ? "ipv4" : "ipv6");
  }
  return list;
}
