import type { DesiredRecord } from "../core/desired-records.ts";
import {
  type CAARecord,
  type Discovered,
  type IssuanceView,
  misplacements,
  missingRecords,
  type Observed,
  type ProofView,
  type Question,
  questionKey,
  questionsFor,
  type ServerView,
  type VisitorView,
} from "../core/discovery.ts";
import { readReply } from "./answer.ts";
import { DnsReader } from "./authoritative.ts";
import { Deadline } from "./deadline.ts";
import type { DnsRecord } from "./dns-message.ts";
import { QueryBudget } from "./query-budget.ts";
import type { DnsAccess, Resolvers } from "./resolver.ts";

const DEADLINE_MS = 5_000;
/** An apex and its www, four name servers, and all of Cloudflare's records for both take about 80 questions. */
const MAX_QUESTIONS = 96;

/**
 * Asks DNS what is needed to judge `desired`: the authoritative servers for the records themselves, resolvers for where the
 * targets lead and what visitors see. `proof` is what readProof found in the same pass. Within 5 s and 96 questions; what could
 * not be asked within them is unknown. `earlier`: what the same pass saw already, which is not asked again.
 * @throws the reason of `signal` when that is aborted.
 */
export async function discover(
  desired: readonly DesiredRecord[],
  proof: ProofView | undefined,
  access: DnsAccess,
  signal: AbortSignal,
  earlier?: Discovered,
): Promise<Discovered> {
  signal.throwIfAborted();
  using deadline = new Deadline(DEADLINE_MS, signal);
  const reader = new DnsReader(access, new QueryBudget(MAX_QUESTIONS), deadline.signal);
  const views = (names: readonly string[]) => visitorViews(reader.resolvers, names, earlier, deadline.signal);
  const [asked, targets, issuance] = await Promise.all([
    askAll(reader, questionsFor(desired), earlier),
    views(targetsOf(desired)),
    issuanceViews(reader.resolvers, desired, deadline.signal),
  ]);
  const slips = missingRecords(desired, { answers: asked, proof }).flatMap((record) => misplacements(record));
  const [misplaced, arrivals] = await Promise.all([
    // What one server says is enough to guess what went wrong.
    askAll(
      reader,
      slips.map(({ question }) => question),
      earlier,
      1,
    ),
    // Only names that exist: asking a resolver earlier makes it remember that they don't.
    views(existingNames(desired, asked)),
  ]);
  signal.throwIfAborted();
  return { answers: new Map([...misplaced, ...asked]), visitors: new Map([...arrivals, ...targets]), proof, issuance };
}

async function askAll(
  reader: DnsReader,
  questions: readonly Question[],
  earlier: Discovered | undefined,
  enough?: number,
): Promise<ReadonlyMap<string, Observed>> {
  const entries = await Promise.all(
    questions.map(async (question) => {
      const key = questionKey(question);
      const known = earlier?.answers.get(key);
      return [key, known?.kind === "known" ? known : await observe(reader, question, enough)] as const;
    }),
  );
  return new Map(entries);
}

async function observe(reader: DnsReader, question: Question, enough: number | undefined): Promise<Observed> {
  const asked = await reader.ask(question, enough);
  if (asked.kind === "failed") return { kind: "unknown", reason: asked.reason, message: asked.message };
  const answered = asked.servers.filter((server) => server.kind === "answered");
  if (answered.length === 0) {
    const [first] = asked.servers.filter((server) => server.kind !== "answered");
    const detail = first === undefined ? "it has no name servers" : `${first.name} ${first.message}`;
    return {
      kind: "unknown",
      reason: "AuthoritativeUnreachable",
      message: `The name servers of ${asked.zone} could not be asked about ${question.name}: ${detail}`,
    };
  }
  const servers = answered.map(
    ({ name, address, chain, own }): ServerView => ({
      server: name === address ? name : `${name} (${address})`,
      chain,
      values: own.flatMap((record) => presented(record) ?? []),
    }),
  );
  const negativeTTL = answered.find((server) => server.negativeTTL !== undefined)?.negativeTTL;
  return { kind: "known", servers, negativeTTL };
}

function presented(record: DnsRecord): string | undefined {
  if (record.type === "TXT") return Buffer.from(record.data).toString("latin1");
  return "data" in record ? record.data : undefined;
}

function targetsOf(desired: readonly DesiredRecord[]): readonly string[] {
  return desired.flatMap(({ judgement }) =>
    judgement.kind === "Alias" || judgement.kind === "Addresses" ? judgement.targets : [],
  );
}

function existingNames(desired: readonly DesiredRecord[], answers: ReadonlyMap<string, Observed>): readonly string[] {
  const routed = desired.filter(({ purpose }) => purpose === "Routing").map(({ name }) => name);
  return routed.filter((name) =>
    (["CNAME", "A", "AAAA"] as const).some((type) => {
      const observed = answers.get(questionKey({ name, type }));
      // At every server: a resolver that asks another one than we did would remember its denial.
      return observed?.kind === "known" && observed.servers.every(({ values }) => values.length > 0);
    }),
  );
}

async function visitorViews(
  resolvers: Resolvers,
  names: readonly string[],
  earlier: Discovered | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VisitorView>> {
  const entries = await Promise.all(
    [...new Set(names)].map(async (name): Promise<readonly [string, VisitorView]> => {
      const known = earlier?.visitors.get(name);
      if (known !== undefined && known.kind !== "unknown") return [name, known];
      const found = await resolvers.addresses(name, signal);
      if (found.kind === "found") return [name, found];
      if (found.kind === "none") return [name, { kind: "none", negativeTTL: found.negativeTTL }];
      return [name, { kind: "unknown", reason: found.reason, message: found.message }];
    }),
  );
  return new Map(entries);
}

async function issuanceViews(
  resolvers: Resolvers,
  desired: readonly DesiredRecord[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, IssuanceView>> {
  const names = desired.filter(({ judgement }) => judgement.kind === "Issuance").map(({ name }) => name);
  const entries = await Promise.all(
    [...new Set(names)].map(async (name) => [name, await issuanceOf(resolvers, name, signal)] as const),
  );
  return new Map(entries);
}

/** RFC 8659 section 3: the first CAA set on the way from the name to the root governs it; CNAMEs are followed at each level. */
async function issuanceOf(resolvers: Resolvers, hostname: string, signal: AbortSignal): Promise<IssuanceView> {
  const labels = hostname.split(".");
  for (let level = 0; level < labels.length; level++) {
    const name = labels.slice(level).join(".");
    const question = { name, type: "CAA" } as const;
    const resolution = await resolvers.resolve(question, signal);
    if (resolution.kind === "failed")
      return {
        kind: "unknown",
        message: `The CAA records of ${name} could not be read, so no authority may issue: ${resolution.message}`,
      };
    const answer = readReply(question, resolution.reply, undefined);
    const records = answer.kind === "answered" ? answer.records.flatMap(caaRecord) : [];
    if (records.length > 0) return { kind: "restricted", name, records };
  }
  return { kind: "unrestricted" };
}

function caaRecord(record: DnsRecord): readonly CAARecord[] {
  return record.type === "CAA" ? [{ critical: record.critical, tag: record.tag, value: record.value }] : [];
}
