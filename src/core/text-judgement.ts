import type { DnsRecordRow } from "../api/v1/custom-domain-status.ts";
import type { Reason } from "../api/v1/reasons.ts";
import type { DesiredRecord, Judgement } from "./desired-records.ts";
import { type Discovered, type Misplaced, misplaced, type Observed, questionKey } from "./discovery.ts";
import { extraRow, listed, misplacedRow, ok, recipe, rememberedAbsence, toRow, unknown, type Verdict } from "./record-row.ts";
import { relative } from "./routing-judgement.ts";

/** Our ownership TXT, and where it was put instead. */
export function judgeProof(record: DesiredRecord, discovered: Discovered): readonly DnsRecordRow[] {
  const elsewhere = misplaced(record, discovered.answers, (value) => record.values.includes(unquoted(value)));
  const verdict = proofVerdict(record, discovered, elsewhere);
  const row = toRow(record, record.values, verdict);
  const isMoved = elsewhere !== undefined && verdict.reason === placeReason(elsewhere);
  return isMoved ? [row, misplacedRow(record, elsewhere, placeReason(elsewhere), record.name)] : [row];
}

function proofVerdict(record: DesiredRecord, { proof }: Discovered, elsewhere: Misplaced | undefined): Verdict {
  const [wanted = ""] = record.values;
  if (proof === undefined) return unknown("NotChecked", "Not looked at yet.");
  const reason = proof.reason ?? "AuthoritativeUnreachable";
  const found = proof.servers.flatMap(({ values }) => values);
  if (proof.kind === "incomplete") {
    const message = proof.message ?? "DNS could not be asked.";
    return reason === "NXDomain"
      ? { state: "Missing", action: "Add", found: [], reason, message: `${message}. Then add ${recipe(record)}.` }
      : unknown(reason, message);
  }
  if (proof.kind === "refused")
    return { state: "Mismatch", action: "Change", found, reason, message: `${proof.message ?? ""}: ${recipe(record)}.` };
  const having = proof.servers.filter(({ values }) => values.includes(wanted));
  if (having.length === proof.servers.length) return ok(found);
  if (having.length > 0) {
    const lacking = proof.servers.filter(({ values }) => !values.includes(wanted));
    const message = `${servers(having)} already answers with the record, ${servers(lacking)} not yet: the name servers will agree by themselves.`;
    return { state: "Mismatch", action: "None", found, reason: "Propagating", message };
  }
  const slip = spellingSlip(wanted, found) ?? (elsewhere === undefined ? undefined : misplacedText(record, elsewhere));
  if (slip !== undefined)
    return {
      state: found.length === 0 ? "Missing" : "Mismatch",
      action: "Change",
      found,
      reason: slip.reason,
      message: `${slip.sentence} Wanted: ${recipe(record)}.`,
    };
  if (found.some((value) => value.startsWith(wanted.slice(0, wanted.indexOf("=") + 1)))) {
    const message = `${record.name} holds the value of another account: add ${recipe(record)} ${record.why}; others may stay.`;
    return { state: "Mismatch", action: "Change", found, reason: "WrongRecord", message };
  }
  return { state: "Missing", action: "Add", found, reason: "RecordMissing", message: `Add ${recipe(record)} ${record.why}.` };
}

/** TXT values that Cloudflare waits for, and what stands in their way. */
export function judgeChallenge(
  record: DesiredRecord,
  { alternative }: Extract<Judgement, { readonly kind: "Challenge" }>,
  { answers }: Discovered,
): readonly DnsRecordRow[] {
  const { name, values } = record;
  const texts = answers.get(questionKey({ name, type: "TXT" }));
  const aliases = valuesOf(answers.get(questionKey({ name, type: "CNAME" })));
  if (texts?.kind !== "known") return [toRow(record, values, notKnown(record, texts))];
  if (alternative !== undefined && aliases.includes(alternative))
    return [toRow(record, values, ok([], "Not needed: the CNAME of the same name does its work."))];
  if (aliases.length > 0) {
    const message = `A CNAME to ${listed(aliases)} at ${name} hides every TXT record there: remove it, then add ${recipe(record)}.`;
    const row = toRow(record, values, {
      state: "Missing",
      action: "Add",
      found: [],
      reason: "ConflictingChallengeRecord",
      message,
    });
    // Where delegation is offered, the row of that CNAME says the same.
    return alternative === undefined ? [row, extraRow("CNAME", record, aliases, "ConflictingChallengeRecord", message)] : [row];
  }
  return [toRow(record, values, challengeVerdict(record, texts))];
}

function challengeVerdict(record: DesiredRecord, texts: Extract<Observed, { readonly kind: "known" }>): Verdict {
  const { values, why } = record;
  const found = valuesOf(texts);
  const complete = texts.servers.filter((view) => values.every((value) => view.values.includes(value)));
  if (complete.length === texts.servers.length) return ok(found);
  if (complete.length > 0)
    return {
      state: "Mismatch",
      action: "None",
      found,
      reason: "Propagating",
      message: `Not all name servers answer with ${recipe(record)} yet.`,
    };
  const [slip] = values.flatMap((value) => spellingSlip(value, found) ?? []);
  if (slip !== undefined)
    return {
      state: "Mismatch",
      action: "Change",
      found,
      reason: slip.reason,
      message: `${slip.sentence} Wanted: ${recipe(record)}.`,
    };
  const all = values.length > 1 ? "all of these values are needed; " : "";
  if (found.length > 0)
    return {
      state: "Mismatch",
      action: "Change",
      found,
      reason: "WrongRecord",
      message: `Set ${recipe(record)} ${why}; ${all}what stands there now is out of date.`,
    };
  const message = `Add ${recipe(record)} ${why}${all === "" ? "" : `; ${all.slice(0, -2)}`}.${rememberedAbsence(texts.negativeTTL)}`;
  return { state: "Missing", action: "Add", found, reason: "RecordMissing", message };
}

/** The CNAME that delegates certificate validation to Cloudflare for good. */
export function judgeDelegation(
  record: DesiredRecord,
  desired: readonly DesiredRecord[],
  { answers }: Discovered,
): readonly DnsRecordRow[] {
  const { name, values } = record;
  const aliases = answers.get(questionKey({ name, type: "CNAME" }));
  const texts = valuesOf(answers.get(questionKey({ name, type: "TXT" })));
  if (aliases?.kind !== "known") return [toRow(record, values, notKnown(record, aliases))];
  const found = valuesOf(aliases);
  if (found.length > 0 && found.every((value) => values.includes(value))) {
    const message = `Remove TXT ${name}: it stands in the way of the CNAME of the same name.`;
    return [
      toRow(record, values, ok(found)),
      ...(texts.length === 0 ? [] : [extraRow("TXT", record, texts, "ConflictingChallengeRecord", message)]),
    ];
  }
  if (found.length > 0) {
    const message = `${name} is a CNAME to ${listed(found)}, which keeps the certificate from being issued: change it to '${values[0] ?? ""}', or remove it.`;
    return [toRow(record, values, { state: "Mismatch", action: "Change", found, reason: "ConflictingChallengeRecord", message })];
  }
  const challenge = desired.find((other) => other.judgement.kind === "Challenge" && other.name === name);
  if (challenge?.values.every((value) => texts.includes(value)) === true)
    return [toRow(record, values, ok([], "Not needed: the TXT record of the same name does its work."))];
  return [
    toRow(record, values, {
      state: "Missing",
      action: "Add",
      found,
      reason: "RecordMissing",
      message: `Or add ${recipe(record)} ${record.why}.`,
    }),
  ];
}

function notKnown(record: DesiredRecord, observed: Observed | undefined): Verdict {
  if (observed?.kind !== "unknown") return unknown("NotChecked", "Not looked at yet.");
  return observed.reason === "NXDomain"
    ? {
        state: "Missing",
        action: "Add",
        found: [],
        reason: "NXDomain",
        message: `${observed.message}. Then add ${recipe(record)}.`,
      }
    : unknown(observed.reason, observed.message);
}

interface Slip {
  readonly reason: Reason;
  readonly sentence: string;
}

/** What DNS panels and clipboards make of a value. */
function spellingSlip(wanted: string, found: readonly string[]): Slip | undefined {
  if (found.some((value) => value.trim() !== wanted && unquoted(value) === wanted)) {
    const sentence = "The value has quotation marks in it that do not belong there: enter it without them.";
    return { reason: "QuotedValue", sentence };
  }
  if (found.some((value) => value !== wanted && value.trim() === wanted)) {
    return { reason: "WrongRecord", sentence: "The value has spaces around it that do not belong there: enter it without them." };
  }
  if (found.some((value) => unquoted(value).toLowerCase() === wanted.toLowerCase()))
    return { reason: "WrongRecord", sentence: "The value differs in upper and lower case: enter it exactly." };
  return undefined;
}

/** Straight, escaped and typographic ones; the last as the bytes of UTF-8, one character each. */
const QUOTES = /\\?["']|[\u201c\u201d]|\u00e2\u0080[\u009c\u009d]/g;

function unquoted(value: string): string {
  return value.replaceAll(QUOTES, "").trim();
}

function placeReason({ slip }: Misplaced): Reason {
  return slip === "DoubledZone" ? "DoubledZone" : "WrongName";
}

function misplacedText({ name, registrableDomain }: DesiredRecord, elsewhere: Misplaced): Slip {
  const reason = placeReason(elsewhere);
  const place = `The record is at ${elsewhere.question.name}`;
  const label = relative(name, registrableDomain);
  switch (elsewhere.slip) {
    case "DoubledZone":
      return { reason, sentence: `${place}: the DNS provider appended the zone. Enter the name as '${label}'.` };
    case "NoUnderscore":
      return { reason, sentence: `${place}, without the underscore that the name begins with.` };
    default:
      return { reason, sentence: `${place} instead of ${name}. Enter the name as '${label}'.` };
  }
}

function valuesOf(observed: Observed | undefined): readonly string[] {
  return observed?.kind === "known" ? [...new Set(observed.servers.flatMap(({ values }) => values))] : [];
}

function servers(list: readonly { readonly name: string; readonly address: string }[]): string {
  return list
    .map(({ name, address }) => (/^[a-z0-9_.:() -]{1,300}$/i.test(name) && name !== address ? `${name} (${address})` : address))
    .join(" and ");
}
