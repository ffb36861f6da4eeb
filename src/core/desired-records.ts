import { isIPv4 } from "node:net";
import type { DnsRecordRow } from "../api/v1/custom-domain-status.ts";
import type { DnsSettings } from "../api/v1/dns-settings.ts";
import type { CustomHostname, HostnameCertificate } from "../cloudflare/row.ts";
import { type HostnameFacts, isAtOrBelow } from "./hostname.ts";
import { canonicalAddress } from "./ip-address.ts";

/** How found records are judged. */
export type Judgement =
  /** Our ownership TXT: read by the proof check, under stricter rules than other records. */
  | { readonly kind: "Proof" }
  /** TXT values that Cloudflare asks for; `alternative`: a CNAME that makes them unnecessary. */
  | { readonly kind: "Challenge"; readonly alternative: string | undefined }
  /** The CNAME to Cloudflare's delegated validation, an alternative to `Challenge`. */
  | { readonly kind: "Delegation" }
  /**
   * Visitors must come to the target: by CNAME, or by an alias whose addresses are the target's. `served`: Cloudflare reports the
   * hostname active, which a name behind another account's proxy only becomes by pointing here (Cloudflare refuses TXT validation for it: cloudflare-docs#29675).
   */
  | { readonly kind: "Alias"; readonly place: Place; readonly targets: readonly string[]; readonly served: boolean }
  /** Visitors must come to fixed addresses; an alias to the target has the same effect. */
  | { readonly kind: "Addresses"; readonly addresses: readonly string[]; readonly targets: readonly string[] }
  /** No CAA set may forbid the authorities in `issuers`, any one of which may issue. */
  | { readonly kind: "Issuance"; readonly issuers: readonly string[] };

type Place = "Subdomain" | "Apex" | "UnsupportedApex";

export interface DesiredRecord {
  readonly type: DnsRecordRow["type"];
  readonly name: string;
  /** At most 4. */
  readonly values: readonly string[];
  readonly purpose: DnsRecordRow["purpose"];
  /** Whether the domain waits for it: the ownership TXT and the routing record of the primary name. */
  readonly required: boolean;
  /** Continues "is needed": "to prove that the domain is yours". */
  readonly why: string;
  readonly registrableDomain: string;
  readonly judgement: Judgement;
}

export interface DesiredInput {
  readonly hostname: Pick<HostnameFacts, "name" | "registrableDomain" | "isApex" | "wwwTwin">;
  /** Undefined where Cloudflare's validation is proof enough. */
  readonly proof: { readonly name: string; readonly value: string } | undefined;
  readonly dns: Pick<DnsSettings, "target" | "acceptedTargets" | "apex">;
  /** What Cloudflare holds for the name and its www twin. */
  readonly rows: readonly RowRecords[];
}

export type RowRecords = Pick<CustomHostname, "hostname" | "status" | "ownershipVerification"> & {
  readonly ssl:
    | Pick<HostnameCertificate, "status" | "certificateAuthority" | "validationRecords" | "dcvDelegationRecords">
    | undefined;
};

const MAX_VALUES = 4;

/** The names by which Cloudflare's certificate authorities recognise themselves in CAA records. */
const ISSUERS: Readonly<Record<string, string>> = { google: "pki.goog", lets_encrypt: "letsencrypt.org", ssl_com: "ssl.com" };

/** Every record that matters for a domain, the ones to publish first at the front. Pure. */
export function desiredRecords(input: DesiredInput): readonly DesiredRecord[] {
  const { hostname, proof, rows } = input;
  const { name, registrableDomain, isApex, wwwTwin } = hostname;
  const primary = isApex ? apexRouting(input) : [aliasTo(input, name, "Subdomain")];
  const twin = wwwTwin === undefined ? [] : [aliasTo(input, wwwTwin, "Subdomain")];
  const certificate = rows.flatMap((row) => (isAtOrBelow(row.hostname, name) ? rowRecords(row, registrableDomain) : []));
  return [...(proof === undefined ? [] : [ownership(proof, registrableDomain)]), ...primary, ...twin, ...certificate];
}

function ownership(proof: NonNullable<DesiredInput["proof"]>, registrableDomain: string): DesiredRecord {
  return {
    type: "TXT",
    name: proof.name,
    values: [proof.value],
    purpose: "Ownership",
    required: true,
    why: "to prove that the domain is yours, for as long as it is connected",
    registrableDomain,
    judgement: { kind: "Proof" },
  };
}

function aliasTo({ hostname, dns, rows }: DesiredInput, name: string, place: Place): DesiredRecord {
  const required = name === hostname.name;
  const served = rows.some((row) => row.hostname === name && (row.status === "active" || row.status === "active_redeploying"));
  return {
    type: "CNAME",
    name,
    values: [dns.target],
    purpose: "Routing",
    required,
    why: required ? "to bring visitors here" : `to redirect visitors of ${name}`,
    registrableDomain: hostname.registrableDomain,
    judgement: { kind: "Alias", place, targets: targetsOf(dns), served },
  };
}

function apexRouting(input: DesiredInput): readonly DesiredRecord[] {
  const { name } = input.hostname;
  const { apex } = input.dns;
  if (apex.mode !== "StaticAddresses") return [aliasTo(input, name, apex.mode === "Unsupported" ? "UnsupportedApex" : "Apex")];
  const addresses = apex.addresses.flatMap((address) => canonicalAddress(address) ?? []);
  const judgement = { kind: "Addresses", addresses, targets: targetsOf(input.dns) } as const;
  const common = { name, purpose: "Routing", registrableDomain: name, judgement } as const;
  const v4 = addresses.filter((address) => isIPv4(address)).slice(0, MAX_VALUES);
  const v6 = addresses.filter((address) => !isIPv4(address)).slice(0, MAX_VALUES);
  const records: DesiredRecord[] = [];
  if (v4.length > 0) records.push({ ...common, type: "A", values: v4, required: true, why: "to bring visitors here" });
  if (v6.length > 0)
    records.push({ ...common, type: "AAAA", values: v6, required: v4.length === 0, why: "to bring visitors with IPv6 here" });
  return records;
}

function targetsOf(dns: DesiredInput["dns"]): readonly string[] {
  return [dns.target, ...dns.acceptedTargets];
}

/** Cloudflare's own records. They are gone from its answers, and from here, once they have done their work. */
function rowRecords(
  { hostname, ownershipVerification: ownership, ssl }: RowRecords,
  registrableDomain: string,
): readonly DesiredRecord[] {
  const common = { purpose: "Certificate", required: false, registrableDomain } as const;
  const records: DesiredRecord[] = [];
  if (ownership?.type === "txt") {
    const why = "to let Cloudflare accept the name before you switch it over";
    records.push({
      ...common,
      type: "TXT",
      name: ownership.name,
      values: [ownership.value],
      why,
      judgement: { kind: "Challenge", alternative: undefined },
    });
  }
  if (ssl === undefined || ssl.status === "active") return records;
  const delegations = ssl.dcvDelegationRecords;
  for (const [name, values] of challengeValues(ssl.validationRecords)) {
    const alternative = delegations.find((delegation) => delegation.name === name)?.target;
    const why = "to issue the certificate before you switch the name over";
    records.push({
      ...common,
      type: "TXT",
      name,
      values: values.slice(0, MAX_VALUES),
      why,
      judgement: { kind: "Challenge", alternative },
    });
  }
  for (const { name, target } of delegations) {
    const why = "in place of the TXT record of the same name, to issue and renew the certificate without you";
    records.push({ ...common, type: "CNAME", name, values: [target], why, judgement: { kind: "Delegation" } });
  }
  records.push(issuance(hostname, ssl.certificateAuthority, registrableDomain));
  return records;
}

/** The records among those of a row that the owner publishes: certificate authorities are only named where CAA forbids them. */
export function certificateRecords(row: RowRecords): readonly DesiredRecord[] {
  return rowRecords(row, row.hostname).filter(({ judgement }) => judgement.kind !== "Issuance");
}

/** Several values under one name are one RRset: all of them must be published (wildcards, SSL.com). */
function challengeValues(records: HostnameCertificate["validationRecords"]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const record of records) {
    if (record.kind !== "txt") continue;
    const known = values.get(record.name) ?? [];
    if (!known.includes(record.value)) values.set(record.name, [...known, record.value]);
  }
  return values;
}

function issuance(name: string, authority: string | undefined, registrableDomain: string): DesiredRecord {
  const chosen = ISSUERS[authority ?? ""];
  const issuers = chosen === undefined ? Object.values(ISSUERS) : [chosen];
  return {
    type: "CAA",
    name,
    values: issuers.map((issuer) => `0 issue "${issuer}"`),
    purpose: "Certificate",
    required: false,
    why: "to let the certificate authority issue",
    registrableDomain,
    judgement: { kind: "Issuance", issuers },
  };
}
