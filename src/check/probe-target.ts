import { isIP } from "node:net";
import type { CheckSettings } from "../api/v1/check-settings.ts";
import type { Reason } from "../api/v1/reasons.ts";
import { canonicalAddress } from "../core/ip-address.ts";
import { AddressGuard, isInBlocks } from "./address-guard.ts";
import { QueryBudget } from "./query-budget.ts";
import { type DnsAccess, Resolvers } from "./resolver.ts";

/** A name, the target and its 16 accepted alternatives, A and AAAA each, where the first resolver asked is the right one. */
const MAX_QUESTIONS = 48;

export interface EgressRules {
  readonly egress: CheckSettings["egress"];
  /** Blocks that an admin vouches for; they may be private. */
  readonly edgeCIDRs: readonly string[];
  /** Names whose addresses are the edge: dns.target and dns.acceptedTargets. */
  readonly edgeNames: readonly string[];
  /** dns.apex.addresses. */
  readonly edgeAddresses: readonly string[];
  readonly dns: DnsAccess;
}

export type ProbeTarget =
  | { readonly kind: "pinned"; readonly address: string }
  | { readonly kind: "none"; readonly status: "False" | "Unknown"; readonly reason: Reason; readonly message: string };

/**
 * Resolves the name once and settles on one address. All its addresses must be allowed: one bad among them is what a rebinding
 * attack looks like, and visitors would meet it as well.
 */
export async function probeTarget(hostname: string, rules: EgressRules, signal: AbortSignal): Promise<ProbeTarget> {
  // undici and net would take an IP literal for what it says, past every check of names.
  if (isIP(hostname) !== 0) return none("False", "AddressNotAllowed", `${hostname} is an address, not a name`);
  const resolvers = new Resolvers(rules.dns, new QueryBudget(MAX_QUESTIONS));
  const [found, edge] = await Promise.all([resolvers.addresses(hostname, signal), edgeAddresses(resolvers, rules, signal)]);
  if (found.kind === "failed") return none("Unknown", found.reason, found.message);
  if (found.kind === "none") return none("False", "Unreachable", `${hostname} has no address in DNS`);
  const guard = new AddressGuard({ allowedCIDRs: rules.edgeCIDRs, deniedCIDRs: rules.dns.deniedCIDRs });
  for (const address of found.addresses) {
    const verdict = guard.verdict(address);
    if (!verdict.allowed)
      return none("False", "AddressNotAllowed", `${hostname} leads to an address to which nothing is sent: ${verdict.message}`);
    if (rules.egress !== "EdgeOnly" || isInBlocks(verdict.address, rules.edgeCIDRs)) continue;
    if (edge.kind === "failed") return none("Unknown", edge.reason, edge.message);
    if (!edge.addresses.has(verdict.address))
      return none(
        "False",
        "AddressNotAllowed",
        `${hostname} leads to ${verdict.address}, which is not an address of this platform`,
      );
  }
  const [address] = found.addresses;
  return address === undefined ? none("False", "Unreachable", `${hostname} has no address in DNS`) : { kind: "pinned", address };
}

type EdgeAddresses =
  | { readonly kind: "known"; readonly addresses: ReadonlySet<string> }
  | { readonly kind: "failed"; readonly reason: Reason; readonly message: string };

async function edgeAddresses(resolvers: Resolvers, rules: EgressRules, signal: AbortSignal): Promise<EdgeAddresses> {
  if (rules.egress !== "EdgeOnly") return { kind: "known", addresses: new Set() };
  const found = await Promise.all(rules.edgeNames.map((name) => resolvers.addresses(name, signal)));
  const failed = found.find((each) => each.kind === "failed");
  const known = found.flatMap((each) => (each.kind === "found" ? each.addresses : []));
  // A name of the edge that cannot be resolved must not make a right address look wrong.
  if (failed !== undefined && failed.kind === "failed") return { kind: "failed", reason: failed.reason, message: failed.message };
  return {
    kind: "known",
    addresses: new Set([...known, ...rules.edgeAddresses.flatMap((address) => canonicalAddress(address) ?? [])]),
  };
}

function none(status: "False" | "Unknown", reason: Reason, message: string): ProbeTarget {
  return { kind: "none", status, reason, message };
}
