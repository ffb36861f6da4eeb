import type { CheckSettings } from "../api/v1/check-settings.ts";
import type { CheckResult } from "../api/v1/custom-domain-status.ts";
import { type Finding, wholeSeconds } from "../core/conditions.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { Deadline } from "./deadline.ts";
import type { RandomBytes } from "./dns.ts";
import { type AnswerExpectation, judgeAnswer, judgeRedirect } from "./probe-judgement.ts";
import { type ProbeReply, type ProbeRequest, sendProbe } from "./probe-request.ts";
import { type EgressRules, probeTarget } from "./probe-target.ts";
import { transportProblem } from "./transport-problem.ts";

export interface ProbeSettings
  extends EgressRules,
    Pick<CheckSettings, "path" | "response" | "expectedBody" | "timeoutSeconds" | "httpPort" | "httpsPort" | "caBundle"> {
  /** The bytes of the signing Secret; undefined while it cannot be read. */
  readonly signingKey: Uint8Array | undefined;
  /** status.id; "" for a name that is not registered. */
  readonly domainID: string;
}

export interface ProbeDependencies {
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

export interface ProbeResult {
  readonly check: CheckResult;
  /** The condition Routed: True only for an answer of ours over https with a valid certificate. */
  readonly routed: Finding;
}

/** The share of the total time within which connection and TLS handshake must be over. */
const CONNECT_SHARE = 0.6;

/**
 * Requests the check path as a visitor would: https first; when that gets no answer, http, only to report what is there
 * (`found` may be true then, Routed is not). One deadline of `timeoutSeconds` over DNS, connection, TLS, headers and body.
 * @throws the reason of `signal` when that is aborted.
 */
export async function probe(
  hostname: string,
  settings: ProbeSettings,
  { clock, randomBytes }: ProbeDependencies,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const started = systemClock.monotonic();
  const checkTimestamp = wholeSeconds(clock.now());
  if (settings.egress === "Off")
    return unasked(checkTimestamp, { status: "Unknown", reason: "CheckOff", message: "The class sends no requests." });
  if (settings.response === "Signed" && settings.signingKey === undefined) {
    return unasked(checkTimestamp, {
      status: "Unknown",
      reason: "SecretNotFound",
      message: "The signing key of the class cannot be read, so answers cannot be verified.",
    });
  }
  signal.throwIfAborted();
  using deadline = new Deadline(settings.timeoutSeconds * 1000, signal);
  const target = await probeTarget(hostname, settings, deadline.signal);
  signal.throwIfAborted();
  const dnsMs = elapsedMs(started);
  if (target.kind === "none") return unasked(checkTimestamp, target);
  const nonce = Buffer.from(randomBytes(16)).toString("hex");
  const expected: AnswerExpectation = { ...settings, host: hostname, nonce, now: () => clock.now() };
  const requestTo = (scheme: "https" | "http"): ProbeRequest => requestFor(scheme, hostname, target.address, settings, nonce);
  const secure = await sendProbe(requestTo("https"), deadline.signal);
  const plain =
    secure.kind === "failed" && !deadline.signal.aborted ? await sendProbe(requestTo("http"), deadline.signal) : undefined;
  signal.throwIfAborted();
  const common = { checkTimestamp, responseTimeMs: elapsedMs(started), timings: { dnsMs, ...secure.timings } };
  return { ...outcome(hostname, secure, plain, expected, common) };
}

/**
 * Requests `twin` (`www.<name>`) and expects 308 to the same path of `canonical` over https.
 * @throws the reason of `signal` when that is aborted.
 */
export async function probeRedirect(
  twin: string,
  canonical: string,
  settings: ProbeSettings,
  { randomBytes }: ProbeDependencies,
  signal: AbortSignal,
): Promise<Finding> {
  if (settings.egress === "Off") return { status: "Unknown", reason: "CheckOff", message: "The class sends no requests." };
  signal.throwIfAborted();
  using deadline = new Deadline(settings.timeoutSeconds * 1000, signal);
  const target = await probeTarget(twin, settings, deadline.signal);
  signal.throwIfAborted();
  if (target.kind === "none") return { status: target.status, reason: target.reason, message: sentence(target.message) };
  const request = requestFor("https", twin, target.address, settings, Buffer.from(randomBytes(16)).toString("hex"));
  const reply = await sendProbe(request, deadline.signal);
  signal.throwIfAborted();
  if (reply.kind === "response") return judgeRedirect(twin, canonical, settings, reply);
  const { reason, message } = transportProblem(twin, reply);
  return { status: "False", reason, message: sentence(message) };
}

type Common = Pick<CheckResult, "checkTimestamp" | "responseTimeMs" | "timings">;

function outcome(
  hostname: string,
  secure: ProbeReply,
  plain: ProbeReply | undefined,
  expected: AnswerExpectation,
  common: Common,
): ProbeResult {
  if (secure.kind === "response") {
    const routed = judgeAnswer(secure, expected);
    const check = { ...common, found: routed.status === "True", sslValid: true, httpStatus: secure.status };
    return routed.status === "True" ? { check, routed } : { check: { ...check, errorMessage: routed.message }, routed };
  }
  const problem = transportProblem(hostname, secure);
  const message = sentence(problem.message);
  const check: CheckResult = {
    ...common,
    found: plain?.kind === "response" && judgeAnswer(plain, expected).status === "True",
    // A handshake that ended well proves the certificate even when the answer then fails.
    ...(secure.phase === "tcp" ? {} : { sslValid: secure.phase === "http" }),
    ...(plain?.kind === "response" ? { httpStatus: plain.status } : {}),
    ...(problem.sslError === undefined ? {} : { sslError: problem.sslError }),
    errorMessage: message,
  };
  return { check, routed: { status: "False", reason: problem.reason, message } };
}

function unasked(checkTimestamp: string, { status, reason, message }: Finding): ProbeResult {
  return {
    check: { found: false, errorMessage: sentence(message), checkTimestamp },
    routed: { status, reason, message: sentence(message) },
  };
}

function requestFor(
  scheme: "https" | "http",
  hostname: string,
  address: string,
  settings: ProbeSettings,
  nonce: string,
): ProbeRequest {
  return {
    scheme,
    hostname,
    address,
    port: scheme === "https" ? settings.httpsPort : settings.httpPort,
    path: `${settings.path}?n=${nonce}`,
    caBundle: settings.caBundle,
    connectMs: settings.timeoutSeconds * 1000 * CONNECT_SHARE,
  };
}

/** Of real time: what it measures is the network's. */
function elapsedMs(since: number): number {
  return Math.max(0, Math.round(systemClock.monotonic() - since));
}

function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
