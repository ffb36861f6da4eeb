import type { Reason } from "../api/v1/reasons.ts";
import type { DesiredRecord } from "./desired-records.ts";

/** What DNS was found to say: pure data, made by check/discover.ts, judged by records.ts. */
export interface Discovered {
  /** By {@link questionKey}. */
  readonly answers: ReadonlyMap<string, Observed>;
  /** What resolvers, and with them visitors, find at a name: routing names and targets. */
  readonly visitors: ReadonlyMap<string, VisitorView>;
  readonly proof: ProofView | undefined;
  /** By host name. */
  readonly issuance: ReadonlyMap<string, IssuanceView>;
}

export interface Question {
  readonly name: string;
  readonly type: "TXT" | "CNAME" | "A" | "AAAA";
}

export type Observed =
  | { readonly kind: "known"; readonly servers: readonly ServerView[]; readonly negativeTTL: number | undefined }
  | { readonly kind: "unknown"; readonly reason: Reason; readonly message: string };

/** One authoritative server's answer. */
export interface ServerView {
  /** For people: "ns1.acme.com (192.0.2.1)". */
  readonly server: string;
  /** Targets of the CNAMEs from the name on. */
  readonly chain: readonly string[];
  /** Values of the type asked that stand at the very name, not at the end of a CNAME: raw, from strangers. */
  readonly values: readonly string[];
}

export type VisitorView =
  | { readonly kind: "found"; readonly addresses: readonly string[] }
  | { readonly kind: "none"; readonly negativeTTL: number | undefined }
  | { readonly kind: "unknown"; readonly reason: Reason; readonly message: string };

/** The members of check/proof.ts's answer that are judged here. */
export interface ProofView {
  readonly kind: "complete" | "refused" | "incomplete";
  readonly reason?: Reason;
  readonly message?: string;
  readonly servers: readonly { readonly name: string; readonly address: string; readonly values: readonly string[] }[];
}

/** The CAA set that governs a name (RFC 8659): the first one found on the way up. */
export type IssuanceView =
  | { readonly kind: "unrestricted" }
  | { readonly kind: "restricted"; readonly name: string; readonly records: readonly CAARecord[] }
  | { readonly kind: "unknown"; readonly message: string };

export interface CAARecord {
  readonly critical: boolean;
  /** Lower-case. */
  readonly tag: string;
  readonly value: string;
}

export function questionKey({ type, name }: Question): string {
  return `${type} ${name}`;
}

/** What must be asked to judge `desired`; the proof is read by its own check. */
export function questionsFor(desired: readonly DesiredRecord[]): readonly Question[] {
  return distinct(
    desired.flatMap(({ name, judgement }): readonly Question[] => {
      switch (judgement.kind) {
        case "Alias":
        case "Addresses":
          return [
            { name, type: "CNAME" },
            { name, type: "A" },
            { name, type: "AAAA" },
          ];
        case "Challenge":
        case "Delegation":
          return [
            { name, type: "CNAME" },
            { name, type: "TXT" },
          ];
        default:
          return [];
      }
    }),
  );
}

/** Where a required record that is missing may have ended up: the usual slips at DNS panels. */
export interface Misplacement {
  readonly slip: "DoubledZone" | "NoUnderscore" | "AtHost" | "AtZone";
  readonly question: Question;
}

/** A record that was put where it does not belong. */
export interface Misplaced extends Misplacement {
  readonly values: readonly string[];
}

export function misplacements({ type, name, registrableDomain, judgement }: DesiredRecord): readonly Misplacement[] {
  if (judgement.kind !== "Proof" && judgement.kind !== "Alias") return [];
  const asked = type === "TXT" ? "TXT" : "CNAME";
  const doubled: Misplacement = { slip: "DoubledZone", question: { name: `${name}.${registrableDomain}`, type: asked } };
  if (asked === "CNAME") return [doubled];
  const [label = "", ...host] = name.split(".");
  const hostname = host.join(".");
  const places: readonly Misplacement[] = [
    doubled,
    { slip: "NoUnderscore", question: { name: `${label.replace(/^_/, "")}.${hostname}`, type: asked } },
    { slip: "AtHost", question: { name: hostname, type: asked } },
    { slip: "AtZone", question: { name: `${label}.${registrableDomain}`, type: asked } },
  ];
  return places.filter(({ question }) => question.name !== name && question.name.length <= 253);
}

/** The records among `desired` that no server has, so that it is worth looking where they were put instead. */
export function missingRecords(
  desired: readonly DesiredRecord[],
  discovered: Pick<Discovered, "answers" | "proof">,
): readonly DesiredRecord[] {
  return desired.filter((record) => {
    if (!record.required) return false;
    if (record.judgement.kind === "Proof") {
      const { proof } = discovered;
      return (
        proof?.kind === "complete" && !proof.servers.some(({ values }) => record.values.some((value) => values.includes(value)))
      );
    }
    const observed = discovered.answers.get(questionKey({ name: record.name, type: "CNAME" }));
    return (
      record.judgement.kind === "Alias" &&
      observed?.kind === "known" &&
      observed.servers.every(({ values }) => values.length === 0)
    );
  });
}

function distinct(questions: readonly Question[]): readonly Question[] {
  return [...new Map(questions.map((question) => [questionKey(question), question])).values()];
}

/** Where a missing record was found instead; `isRight`: whether a value there is the one that is wanted. */
export function misplaced(
  record: DesiredRecord,
  answers: Discovered["answers"],
  isRight: (value: string) => boolean,
): Misplaced | undefined {
  for (const place of misplacements(record)) {
    const observed = answers.get(questionKey(place.question));
    const values = observed?.kind === "known" ? observed.servers.flatMap((server) => server.values).filter(isRight) : [];
    if (values.length > 0) return { ...place, values: [...new Set(values)] };
  }
  return undefined;
}
