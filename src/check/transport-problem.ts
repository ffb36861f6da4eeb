import type { Reason } from "../api/v1/reasons.ts";
import type { ProbeReply } from "./probe-request.ts";

type Failure = Extract<ProbeReply, { readonly kind: "failed" }>;

export interface TransportProblem {
  readonly reason: Reason;
  /** What is wrong with TLS; absent when TLS is not to blame. */
  readonly sslError: string | undefined;
  readonly message: string;
}

const CERTIFICATE_PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the certificate has expired",
  CERT_NOT_YET_VALID: "the certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate comes from an unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate chain is incomplete or from an unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "the certificate chain is incomplete or from an unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate chain is incomplete or from an unknown authority",
  CERT_REVOKED: "the certificate has been revoked",
  CERT_SIGNATURE_FAILURE: "the certificate's signature is wrong",
  CERT_UNTRUSTED: "the certificate is not trusted",
};

/** Our sentence for a failed request; the remote side's words never get into it. */
export function transportProblem(hostname: string, failure: Failure): TransportProblem {
  if (failure.phase === "tls") return tlsProblem(hostname, failure.code);
  if (failure.code === "TIMEOUT") {
    const waiting = failure.phase === "tcp" ? "accept a connection" : "finish its answer";
    return { reason: "CheckTimedOut", sslError: undefined, message: `${hostname} did not ${waiting} in time` };
  }
  if (failure.phase === "tcp")
    return {
      reason: "Unreachable",
      sslError: undefined,
      message: `Nothing accepts connections at ${hostname}${refusal(failure.code)}`,
    };
  return answerProblem(hostname, failure.code);
}

function tlsProblem(hostname: string, code: string): TransportProblem {
  if (code === "TIMEOUT") {
    const sslError = "The TLS handshake did not finish in time";
    return { reason: "CheckTimedOut", sslError, message: `${sslError} at ${hostname}` };
  }
  const problem = CERTIFICATE_PROBLEMS[code] ?? "the TLS handshake was refused, so there may be no certificate yet";
  return {
    reason: "CertificateInvalid",
    sslError: capitalised(problem),
    message: `${hostname} cannot be reached with https: ${problem}`,
  };
}

function answerProblem(hostname: string, code: string): TransportProblem {
  switch (code) {
    case "UND_ERR_HEADERS_OVERFLOW":
    case "HPE_HEADER_OVERFLOW":
    case "UND_ERR_RES_EXCEEDED_MAX_SIZE":
      return { reason: "NotOurs", sslError: undefined, message: `${hostname} answers with far more than this platform does` };
    case "UND_ERR_SOCKET":
    case "ECONNRESET":
    case "EPIPE":
      return { reason: "Unreachable", sslError: undefined, message: `${hostname} closed the connection without an answer` };
    default:
      return {
        reason: "NotOurs",
        sslError: undefined,
        message: `${hostname} answers with something that is not HTTP as this platform speaks it`,
      };
  }
}

function refusal(code: string): string {
  if (code === "ECONNREFUSED") return ": the connection was refused";
  return code === "EHOSTUNREACH" || code === "ENETUNREACH" ? ": there is no route to its address" : "";
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
