import type { CaaRecord } from "node:dns";
import type { DNSView } from "./dns-view.ts";
import type { AuthorityName } from "./statuses.ts";

const DAY_MS = 86_400_000;

/** Issuer domain names that each authority honours in CAA, and how long its validation tokens live. */
export const authorities: Readonly<
  Record<AuthorityName, { readonly issuers: readonly string[]; readonly tokenLifetimeMs: number }>
> = {
  google: { issuers: ["pki.goog"], tokenLifetimeMs: 14 * DAY_MS },
  lets_encrypt: { issuers: ["letsencrypt.org"], tokenLifetimeMs: 7 * DAY_MS },
  ssl_com: { issuers: ["ssl.com"], tokenLifetimeMs: 14 * DAY_MS },
};

/** Undefined when CAA lets `authority` issue for `hostname`, else the message the API shows. */
export async function refusalByCAA(
  dns: DNSView,
  hostname: string,
  authority: AuthorityName,
  wildcard: boolean,
): Promise<string | undefined> {
  // RFC 8659 section 3: the closest ancestor-or-self with any CAA record decides alone.
  const labels = hostname.split(".");
  for (let level = 0; level < labels.length; level += 1) {
    const name = labels.slice(level).join(".");
    const answer = await dns.authorizations(name);
    if (answer.kind === "failed") return `${answer.code} looking up CAA for ${name}`;
    if (answer.kind === "none") continue;
    return permits(answer.records, authority, wildcard)
      ? undefined
      : `CAA records block issuance: ${name} does not authorize ${authorities[authority].issuers.join(", ")}`;
  }
  return undefined;
}

const KNOWN_PROPERTIES = new Set(["critical", "issue", "issuewild", "iodef", "contactemail", "contactphone"]);

function permits(records: readonly CaaRecord[], authority: AuthorityName, wildcard: boolean): boolean {
  // A critical property that the authority does not understand forbids issuance (RFC 8659 section 4.1).
  if (
    records.some(
      (record) => record.critical > 0 && Object.keys(record).some((key) => !KNOWN_PROPERTIES.has(key) && key !== "type"),
    )
  ) {
    return false;
  }
  const issue = records.flatMap((record) => (record.issue === undefined ? [] : [record.issue]));
  const issueWild = records.flatMap((record) => (record.issuewild === undefined ? [] : [record.issuewild]));
  const relevant = wildcard && issueWild.length > 0 ? issueWild : issue;
  const restricted = relevant.length > 0;
  return (
    !restricted ||
    relevant.some((value) => authorities[authority].issuers.includes((value.split(";")[0] ?? "").trim().toLowerCase()))
  );
}
