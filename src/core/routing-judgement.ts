import { isIP } from "node:net";
import type { DnsRecordRow } from "../api/v1/custom-domain-status.ts";
import { isCloudflareAddress } from "./cloudflare-addresses.ts";
import type { DesiredRecord, Judgement } from "./desired-records.ts";
import { type Discovered, type Misplaced, misplaced, questionKey, type ServerView } from "./discovery.ts";
import {
  extraRow,
  listed,
  misplacedRow,
  ok,
  printableValue,
  recipe,
  rememberedAbsence,
  toRow,
  unknown,
  type Verdict,
} from "./record-row.ts";

type RoutingJudgement = Extract<Judgement, { readonly kind: "Alias" | "Addresses" }>;
export type RoutingRecord = DesiredRecord & { readonly judgement: RoutingJudgement };

/** All that one server says about a name. */
interface HostView {
  readonly server: string;
  readonly chain: readonly string[];
  readonly addresses: readonly string[];
}

type Place =
  | { readonly kind: "Right"; readonly found: readonly string[]; readonly strays: readonly string[]; readonly by: Arrival }
  | { readonly kind: "Wrong" | "Proxied"; readonly found: readonly string[] }
  | { readonly kind: "Missing" }
  | { readonly kind: "Undecided"; readonly found: readonly string[] };

/** By the record that was asked for; by the target's addresses in its place; or through another account's proxy. */
type Arrival = "Record" | "Flattening" | "Proxy";

/** Where visitors of a name are led: one row for the record, and one for each kind of record that leads some elsewhere. */
export function judgeRouting(record: RoutingRecord, discovered: Discovered): readonly DnsRecordRow[] {
  const { name } = record;
  const observed = (["CNAME", "A", "AAAA"] as const).map((type) => discovered.answers.get(questionKey({ name, type })));
  const [aliases, v4, v6] = observed;
  if (aliases?.kind !== "known" || v4?.kind !== "known" || v6?.kind !== "known") {
    const problem = observed.find((each) => each?.kind === "unknown");
    const verdict =
      problem?.kind === "unknown" ? failed(record, problem.reason, problem.message) : unknown("NotChecked", "Not looked at yet.");
    return [toRow(record, record.values, verdict)];
  }
  const target = acceptedAddresses(record.judgement, discovered);
  const places = hostViews(aliases.servers, v4.servers, v6.servers).map((view) => ({
    server: view.server,
    place: judgeServer(record, view, target, discovered),
  }));
  const strays = [...new Set(places.flatMap(({ place }) => (place.kind === "Right" ? place.strays : [])))];
  const elsewhere = misplaced(record, discovered.answers, (value) => record.values.includes(value));
  const verdict = combined(record, places, { discovered, elsewhere, negativeTTL: aliases.negativeTTL });
  const isMoved = elsewhere !== undefined && verdict.state === "Missing" && verdict.reason === "DoubledZone";
  const moved = isMoved ? [misplacedRow(record, elsewhere, "DoubledZone", name)] : [];
  return [toRow(record, record.values, verdict), ...moved, ...strayRows(record, strays)];
}

function failed(record: RoutingRecord, reason: Parameters<typeof unknown>[0], message: string): Verdict {
  return reason === "NXDomain"
    ? { state: "Missing", action: "Add", found: [], reason, message: `${message}. Then add ${recipe(record)}.` }
    : unknown(reason, message);
}

interface AcceptedAddresses {
  readonly addresses: ReadonlySet<string>;
  /** false while nobody could tell where the target leads: then addresses prove nothing. */
  readonly known: boolean;
}

function acceptedAddresses(judgement: RoutingJudgement, { visitors }: Discovered): AcceptedAddresses {
  const views = judgement.targets.map((target) => visitors.get(target));
  const fixed = judgement.kind === "Addresses" ? judgement.addresses : [];
  const addresses = views.flatMap((view) => (view?.kind === "found" ? view.addresses : []));
  return {
    addresses: new Set([...fixed, ...addresses]),
    known: fixed.length > 0 || views.every((view) => view?.kind !== "unknown" && view !== undefined),
  };
}

function hostViews(aliases: readonly ServerView[], ...families: readonly (readonly ServerView[])[]): readonly HostView[] {
  return aliases.map(({ server, values }) => {
    const same = families.flatMap((family) => family.filter((view) => view.server === server));
    // The A answer goes on where the CNAME answer ends: its chain is the longer one.
    const chain = [...new Set([...values, ...same.flatMap((view) => view.chain)])];
    return { server, chain, addresses: [...new Set(same.flatMap((view) => view.values))] };
  });
}

function judgeServer(record: RoutingRecord, view: HostView, accepted: AcceptedAddresses, { visitors }: Discovered): Place {
  const { chain, addresses } = view;
  const strays = addresses.filter((address) => !accepted.addresses.has(address));
  if (chain.some((name) => record.judgement.targets.includes(name)))
    return { kind: "Right", found: chain.slice(0, 1), strays, by: "Record" };
  if (chain.length === 0 && addresses.length === 0) return { kind: "Missing" };
  const reached = visitors.get(record.name);
  // An alias of an alias, or an apex flattened behind our view: what counts is where visitors arrive.
  const arriving = addresses.length > 0 ? addresses : reached?.kind === "found" ? reached.addresses : [];
  const found = chain.length > 0 ? chain.slice(0, 1) : addresses;
  if (arriving.some((address) => accepted.addresses.has(address))) {
    const astray = arriving.filter((address) => !accepted.addresses.has(address));
    const by = chain.length === 0 && record.judgement.kind === "Alias" ? "Flattening" : "Record";
    return { kind: "Right", found, strays: chain.length > 0 ? strays : astray, by };
  }
  const proxied = chain.length === 0 && addresses.every(isCloudflareAddress);
  if (proxied && record.judgement.kind === "Alias" && record.judgement.served)
    return { kind: "Right", found, strays: [], by: "Proxy" };
  if (chain.length === 0 && !accepted.known) return { kind: "Undecided", found };
  return { kind: proxied ? "Proxied" : "Wrong", found };
}

interface Circumstances {
  readonly discovered: Discovered;
  readonly elsewhere: Misplaced | undefined;
  readonly negativeTTL: number | undefined;
}

function combined(
  record: RoutingRecord,
  places: readonly { readonly server: string; readonly place: Place }[],
  circumstances: Circumstances,
): Verdict {
  const right = places.filter(({ place }) => place.kind === "Right");
  const found = places.flatMap(({ place }) => ("found" in place ? place.found : []));
  const worst = places.find(({ place }) => place.kind !== "Right");
  const by = right.flatMap(({ place }) => (place.kind === "Right" ? [place.by] : []));
  if (worst === undefined) return arrived(record, found, by, circumstances.discovered);
  if (right.length > 0) {
    const lacking = places.filter(({ place }) => place.kind !== "Right");
    const message = `${names(right)} already answers with the record, ${names(lacking)} not yet: the name servers of ${record.registrableDomain} will agree by themselves.`;
    return { state: "Mismatch", action: "None", found, reason: "Propagating", message };
  }
  return problem(record, worst.place, found, circumstances);
}

function arrived(
  record: RoutingRecord,
  found: readonly string[],
  by: readonly Arrival[],
  { visitors }: Pick<Discovered, "visitors">,
): Verdict {
  const view = visitors.get(record.name);
  if (view?.kind !== "none") return ok(found, ...manner(record, by));
  const message = `${record.name} is right at its name servers, but resolvers still remember that it was missing${view.negativeTTL === undefined ? "" : `, for up to ${view.negativeTTL} s`}.`;
  return { ...ok(found, message), reason: "NegativeCached" };
}

/** A name without CNAME that is right all the same: told, since its owner looks for the CNAME in vain. */
function manner({ name, values }: RoutingRecord, by: readonly Arrival[]): [] | [message: string, reason?: "Flattened"] {
  if (by.includes("Proxy")) {
    return [`${name} is proxied in another Cloudflare account, and Cloudflare brings its visitors here.`];
  }
  if (!by.includes("Flattening")) return [];
  const target = values[0] ?? "";
  const message =
    `DNS points here: ${name} answers with the addresses of ${target}, as where the DNS provider flattens a CNAME or ALIAS. ` +
    "Addresses that were typed in by hand go out of date.";
  return [message, "Flattened"];
}

function problem(
  record: RoutingRecord,
  place: Place,
  found: readonly string[],
  { elsewhere, negativeTTL }: Circumstances,
): Verdict {
  const { name, judgement } = record;
  if (place.kind === "Undecided")
    return unknown(
      "ResolverUnreachable",
      `${name} answers with ${listed(found)}, but where ${judgement.targets[0] ?? ""} leads could not be found out.`,
    );
  const missing = place.kind === "Missing";
  const state = missing ? "Missing" : "Mismatch";
  const action = missing ? "Add" : "Change";
  if (judgement.kind === "Alias" && judgement.place === "UnsupportedApex")
    return { state, action, found, reason: "ApexNeedsAlias", message: apexOptions(record) };
  if (place.kind === "Proxied") {
    const message = `${name} answers with addresses of Cloudflare that are not the target's: it is proxied in another Cloudflare account. There, publish ${instruction(record)}.`;
    return { state, action, found, reason: "ProxiedElsewhere", message };
  }
  const slip = doubledZone(record, found, elsewhere);
  if (slip !== undefined) return { state, action: "Change", found, reason: "DoubledZone", message: slip };
  if (missing)
    return {
      state,
      action,
      found,
      reason: "RecordMissing",
      message: `Add ${instruction(record)} ${record.why}.${rememberedAbsence(negativeTTL)}`,
    };
  const old = found.some((value) => isIP(value) !== 0)
    ? `the address records of ${name} (${listed(found)})`
    : `${name}, which leads to ${listed(found)}`;
  return { state, action, found, reason: "WrongRecord", message: `Replace ${old}, by ${instruction(record)} ${record.why}.` };
}

/** DNS panels append the zone to what looks relative: to the value without a final dot, or to the name typed in full. */
function doubledZone(record: RoutingRecord, found: readonly string[], elsewhere: Misplaced | undefined): string | undefined {
  const { name, registrableDomain, values } = record;
  const [wanted = ""] = values;
  const value = found.find((each) => values.some((right) => each === `${right}.${registrableDomain}`));
  if (value !== undefined)
    return `${name} leads to ${printableValue(value)}: the DNS provider appended the zone. Write the value with a final dot: '${wanted}.'.`;
  if (found.length > 0 || elsewhere === undefined) return undefined;
  const label = relative(name, registrableDomain);
  return `The record is at ${elsewhere.question.name}: the DNS provider appended the zone. Enter the name as '${label}' instead. Wanted: ${instruction(record)}.`;
}

function strayRows(record: RoutingRecord, strays: readonly string[]): readonly DnsRecordRow[] {
  return (["A", "AAAA"] as const).flatMap((type) => {
    const found = strays.filter((address) => (isIP(address) === 6) === (type === "AAAA"));
    if (found.length === 0) return [];
    const effect = type === "AAAA" ? "visitors with IPv6 would not reach us" : "some visitors would not reach us";
    return [extraRow(type, record, found, "ExtraRecord", `Remove ${type} ${record.name} ${listed(found)}: ${effect}.`)];
  });
}

function instruction(record: RoutingRecord): string {
  if (record.judgement.kind === "Alias" && record.judgement.place !== "Subdomain") {
    return `an ALIAS or ANAME record (or a CNAME, where the DNS provider flattens it) at ${record.name} with value '${record.values[0] ?? ""}'`;
  }
  return record.values.length > 1
    ? `${record.type} ${record.name} with one or more of ${record.values.map((value) => `'${value}'`).join(", ")}`
    : recipe(record);
}

function apexOptions({ name, values }: RoutingRecord): string {
  return (
    `DNS allows no CNAME at ${name}, and this platform has no addresses for it. Publish an ALIAS or ANAME record (or a flattened CNAME) ` +
    `at ${name} with value '${values[0] ?? ""}', or connect www.${name} instead, or move the DNS of ${name} to a provider that has such records.`
  );
}

/** A name as DNS panels want it: without the zone. */
export function relative(name: string, zone: string): string {
  return name === zone ? "@" : name.endsWith(`.${zone}`) ? name.slice(0, -zone.length - 1) : name;
}

function names(places: readonly { readonly server: string }[]): string {
  return places.map(({ server }) => printableServer(server)).join(" and ");
}

function printableServer(server: string): string {
  return /^[a-z0-9_.:() -]{1,300}$/i.test(server) ? server : "a name server";
}
