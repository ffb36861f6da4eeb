import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { TLSSocket } from "node:tls";
import type { World } from "../simulators/world.ts";

export interface EdgeAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
  /** The names in the certificate that the edge showed, and which was trusted. */
  readonly certificateFor: string;
}

const BODY_LIMIT = 4_096;

/** One request as a browser sends it to the edge, redirects not followed. @throws Error also for a certificate of another name. */
export async function fetchThroughEdge(url: URL, { edge, connection }: World, signal: AbortSignal): Promise<EdgeAnswer> {
  const { hostname, pathname, search } = url;
  const outgoing = request({
    host: edge.address,
    port: edge.httpsPort,
    path: `${pathname}${search}`,
    headers: { host: hostname },
    servername: hostname,
    ca: connection.caBundle,
    agent: false,
    signal,
  });
  outgoing.end();
  // As typed by Node.js, the arguments of an event are unknown.
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  const { socket } = answer;
  const certificateFor = socket instanceof TLSSocket ? (socket.getPeerCertificate().subjectaltname ?? "") : "";
  let body = "";
  for await (const chunk of answer.setEncoding("utf8")) body = `${body}${chunk}`.slice(0, BODY_LIMIT);
  return {
    status: answer.statusCode ?? 0,
    location: answer.headers.location,
    body,
    certificateFor: certificateFor.replaceAll("DNS:", ""),
  };
}
