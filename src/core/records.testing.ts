import { type DesiredInput, desiredRecords } from "./desired-records.ts";
import {
  type Discovered,
  type IssuanceView,
  type Observed,
  type ProofView,
  questionKey,
  questionsFor,
  type VisitorView,
} from "./discovery.ts";
import { diffRecords, dnsCondition, verificationRecords } from "./records.ts";

/** What the tests of the records share: domains, and a DNS written down as zones. */

export const TARGET = "edge.saas.net";
export const PROOF = {
  name: "_customdomains-challenge.shop.acme.com",
  value: "customdomains-verify=abcdefghijklmnopqrstuvwxyz234567",
};
export const DNS: DesiredInput["dns"] = {
  target: TARGET,
  acceptedTargets: ["old-edge.saas.net"],
  apex: { mode: "Flattening", addresses: [] },
};
export const SUBDOMAIN: DesiredInput = {
  hostname: { name: "shop.acme.com", registrableDomain: "acme.com", isApex: false, wwwTwin: undefined },
  proof: PROOF,
  dns: DNS,
  rows: [],
};

export function apex(mode: DesiredInput["dns"]["apex"]["mode"], addresses: readonly string[] = []): DesiredInput {
  const hostname = {
    name: "acme.com",
    registrableDomain: "acme.com",
    isApex: true,
    wwwTwin: mode === "Unsupported" ? undefined : "www.acme.com",
  };
  return {
    hostname,
    proof: { ...PROOF, name: "_customdomains-challenge.acme.com" },
    dns: { ...DNS, apex: { mode, addresses } },
    rows: [],
  };
}

/** Server → "TYPE name" → values; a value `→target` of type CNAME also ends every other question at the name. */
export type Zone = Readonly<Record<string, readonly string[]>>;

export interface World {
  readonly ns1: Zone;
  /** As ns1 unless given. */
  readonly ns2?: Zone;
  readonly visitors?: Readonly<Record<string, VisitorView>>;
  readonly proof?: ProofView;
  readonly unknown?: Readonly<Record<string, Observed>>;
  readonly issuance?: Readonly<Record<string, IssuanceView>>;
  readonly negativeTTL?: number;
}

export const TARGET_VIEW: VisitorView = { kind: "found", addresses: ["198.51.100.10", "198.51.100.11"] };

export function discovered(input: DesiredInput, world: World): Discovered {
  const desired = desiredRecords(input);
  const zones: Readonly<Record<string, Zone>> = {
    "ns1.acme.com (192.0.2.1)": world.ns1,
    "ns2.acme.com (192.0.2.2)": world.ns2 ?? world.ns1,
  };
  const keys = [...questionsFor(desired).map(questionKey), ...Object.keys(world.ns1)];
  const answers = new Map<string, Observed>();
  for (const key of keys) {
    const [type = "", name = ""] = key.split(" ");
    const servers = Object.entries(zones).map(([server, zone]) => ({
      server,
      chain: type === "CNAME" ? [] : (zone[`CNAME ${name}`] ?? []),
      values: zone[key] ?? [],
    }));
    answers.set(key, world.unknown?.[key] ?? { kind: "known", servers, negativeTTL: world.negativeTTL });
  }
  const visitors = { [TARGET]: TARGET_VIEW, "old-edge.saas.net": { kind: "none", negativeTTL: 60 } as const, ...world.visitors };
  return {
    answers,
    visitors: new Map(Object.entries(visitors)),
    proof: world.proof,
    issuance: new Map(Object.entries(world.issuance ?? {})),
  };
}

export function judge(input: DesiredInput, world: World) {
  const desired = desiredRecords(input);
  const rows = diffRecords(desired, discovered(input, world));
  return { desired, rows, condition: dnsCondition(rows, desired), outstanding: verificationRecords(rows, desired) };
}

export function proofOf(...values: readonly (readonly string[])[]): ProofView {
  return {
    kind: "complete",
    servers: values.map((each, index) => ({ name: `ns${index + 1}.acme.com`, address: `192.0.2.${index + 1}`, values: each })),
  };
}

export const PROVEN = proofOf([PROOF.value], [PROOF.value]);
export const row = (rows: ReturnType<typeof judge>["rows"], type: string, name: string) =>
  rows.find((each) => each.type === type && each.name === name);
