import type { Answer } from "dns-packet";
import { canonicalName, isAtOrBelow, selfAndAncestors } from "./names.ts";
import { isRecordType, negativeSOA, type RecordType, toAnswers } from "./records.ts";
import type { Zone } from "./zone.ts";

/** RFC 1035 section 4.1.1. */
export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

export interface Reply {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  readonly additionals: readonly Answer[];
}

const MAX_ALIASES = 16;

export function emptyReply(rcode: number): Reply {
  return { rcode, authoritative: false, answers: [], authorities: [], additionals: [] };
}

/**
 * What a server of `zones` (by canonical apex) answers: RFC 1034 section 4.3.2 with the wildcards of RFC 4592. A CNAME chain
 * is followed within one zone; the response code is that of the last name (RFC 6604).
 */
export function answerFrom(zones: ReadonlyMap<string, Zone>, question: { readonly name: string; readonly type: string }): Reply {
  const zone = enclosingZone(zones, canonicalName(question.name));
  if (zone === undefined) return emptyReply(RCODE.REFUSED);
  const answers: Answer[] = [];
  let name = canonicalName(question.name);
  // The owner is spelled as it was asked: resolvers that mix cases compare it.
  let owner = question.name;
  for (let aliases = 0; aliases <= MAX_ALIASES; aliases++) {
    const delegation = zone.delegationAbove(name);
    if (delegation !== undefined) {
      const authorities = toAnswers(delegation.owner, "NS", delegation.nameservers);
      const additionals = addressesOf(zones, delegation.nameservers.values);
      return { rcode: RCODE.NOERROR, authoritative: answers.length > 0, answers, authorities, additionals };
    }
    const source = zone.exists(name) ? name : `*.${zone.closestEncloser(name)}`;
    if (!zone.exists(source)) return negative(zone, RCODE.NXDOMAIN, answers);
    const alias = question.type === "CNAME" || question.type === "ANY" ? undefined : zone.find(source, "CNAME");
    if (alias === undefined) return data(zones, zone, { source, owner, type: question.type }, answers);
    answers.push(...toAnswers(owner, "CNAME", alias));
    const [target] = alias.values;
    owner = String(target);
    name = canonicalName(owner);
    if (!isAtOrBelow(name, zone.apex)) break;
  }
  return { rcode: RCODE.NOERROR, authoritative: true, answers, authorities: [], additionals: [] };
}

export function enclosingZone<T>(zones: ReadonlyMap<string, T>, name: string): T | undefined {
  for (const apex of selfAndAncestors(name)) {
    const zone = zones.get(apex);
    if (zone !== undefined) return zone;
  }
  return undefined;
}

function data(
  zones: ReadonlyMap<string, Zone>,
  zone: Zone,
  asked: { readonly source: string; readonly owner: string; readonly type: string },
  before: readonly Answer[],
): Reply {
  const types = asked.type === "ANY" ? zone.typesAt(asked.source) : isRecordType(asked.type) ? [asked.type] : [];
  const found = types.flatMap((type: RecordType) => {
    const rrset = zone.find(asked.source, type);
    return rrset === undefined ? [] : toAnswers(asked.owner, type, rrset);
  });
  if (found.length === 0) return negative(zone, RCODE.NOERROR, before);
  const nameservers = asked.type === "NS" ? zone.find(asked.source, "NS") : undefined;
  const additionals = nameservers === undefined ? [] : addressesOf(zones, nameservers.values);
  return { rcode: RCODE.NOERROR, authoritative: true, answers: [...before, ...found], authorities: [], additionals };
}

function negative(zone: Zone, rcode: number, answers: readonly Answer[]): Reply {
  return { rcode, authoritative: true, answers, authorities: [negativeSOA(zone.apex, zone.soa())], additionals: [] };
}

/** Glue, also from occluded names: it stands below the cut that it serves. */
function addressesOf(zones: ReadonlyMap<string, Zone>, hosts: readonly unknown[]): Answer[] {
  return hosts.flatMap((host) => {
    const name = canonicalName(String(host));
    for (const apex of selfAndAncestors(name)) {
      const zone = zones.get(apex);
      const found = (["A", "AAAA"] as const).flatMap((type) => {
        const rrset = zone?.find(name, type);
        return rrset === undefined ? [] : toAnswers(name, type, rrset);
      });
      if (found.length > 0) return found;
    }
    return [];
  });
}
