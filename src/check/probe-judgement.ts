import type { CheckSettings } from "../api/v1/check-settings.ts";
import type { Finding } from "../core/conditions.ts";
import type { ProbeReply } from "./probe-request.ts";
import { type SignedVerdict, verifySignedAnswer } from "./signed-answer.ts";

type Response = Extract<ProbeReply, { readonly kind: "response" }>;

export interface AnswerExpectation extends Pick<CheckSettings, "response" | "expectedBody" | "egress"> {
  readonly signingKey: Uint8Array | undefined;
  readonly domainID: string;
  readonly host: string;
  readonly nonce: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** [?] Numbers of Cloudflare's error pages, as its documentation lists them; they only choose a more helpful sentence. */
const EDGE_ERRORS: Readonly<Record<string, string>> = {
  "1001": "the edge does not know the name yet",
  "1014": "the name's CNAME leads to a Cloudflare zone of another account, which does not serve it",
  "1016": "the edge cannot resolve the origin's name",
};
const EDGE_STATUSES: Readonly<Record<number, string>> = {
  521: "the origin refuses the edge's connections",
  522: "the origin does not answer the edge",
  523: "the edge cannot reach the origin",
  525: "the TLS handshake between edge and origin fails",
  526: "the edge does not trust the origin's certificate",
};

const SIGNED_PROBLEMS: Readonly<Record<Exclude<SignedVerdict, "Genuine" | "NotSigned">, string>> = {
  WrongSignature: "the signature does not match the class's key",
  OtherNonce: "it answers an earlier request",
  OtherHost: "it was made for another host name",
  OtherDomain: "it was made for another domain id",
  WrongTime: "its time differs from ours by more than 60 s",
};

/** Whether the answer is ours. All texts are our own; of the remote side's bytes only the status number is told. */
export function judgeAnswer(reply: Response, expected: AnswerExpectation): Finding {
  const { host } = expected;
  if (reply.status !== 200) return unexpectedStatus(reply, expected);
  if (expected.response === "Plain") {
    if (reply.body === expected.expectedBody)
      return { status: "True", reason: "Routed", message: `${host} is answered by this platform.` };
    return no("UnexpectedResponse", `${host} answers the check with another body than the class expects.`);
  }
  const { signingKey, nonce, domainID } = expected;
  if (signingKey === undefined)
    return { status: "Unknown", reason: "SecretNotFound", message: "The signing key of the class cannot be read." };
  const verdict = verifySignedAnswer(reply.body, { key: signingKey, host, nonce, domainID, now: expected.now() });
  if (verdict === "Genuine") return { status: "True", reason: "Routed", message: `${host} is answered by this platform.` };
  if (verdict === "NotSigned") return no("NotOurs", `${host} answers with a page that is not this platform's.`);
  return no("UnexpectedResponse", `${host} answers the check, but ${SIGNED_PROBLEMS[verdict]}.`);
}

function unexpectedStatus({ status, body }: Response, { host, egress }: AnswerExpectation): Finding {
  const known = egress === "EdgeOnly" ? (EDGE_STATUSES[status] ?? edgeError(body)) : undefined;
  if (known !== undefined) return no("UnexpectedStatus", `${host} answers with status ${status}: ${known}.`);
  if (status >= 300 && status < 400)
    return no("UnexpectedStatus", `${host} answers the check with a redirect (status ${status}), which is not followed.`);
  return no("UnexpectedStatus", `${host} answers the check with status ${status} instead of 200.`);
}

function edgeError(body: string): string | undefined {
  const [, number = ""] = /\berror(?: code:)?\s+(1\d{3})\b/i.exec(body) ?? [];
  return EDGE_ERRORS[number];
}

/** A redirect is data: its target is compared, never requested. */
export function judgeRedirect(
  twin: string,
  canonical: string,
  settings: Pick<CheckSettings, "path" | "httpsPort">,
  reply: Response,
): Finding {
  if (reply.status !== 308)
    return no("RedirectMissing", `${twin} answers with status ${reply.status} instead of redirecting (308) to ${canonical}.`);
  const target = reply.location === undefined || !URL.canParse(reply.location) ? undefined : new URL(reply.location);
  const port = target?.port === "" || target?.port === String(settings.httpsPort);
  if (target?.protocol !== "https:" || target.hostname !== canonical || !port || target.pathname !== settings.path) {
    return no("RedirectMissing", `${twin} redirects, but not to the same path of https://${canonical}.`);
  }
  return { status: "True", reason: "Routed", message: `${twin} redirects to ${canonical}.` };
}

function no(reason: Finding["reason"], message: string): Finding {
  return { status: "False", reason, message };
}
