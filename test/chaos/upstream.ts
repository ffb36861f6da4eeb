import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { Agent } from "undici";
import type { Cluster } from "../control-plane/kubeconfig.ts";

export type Headers = Readonly<Record<string, string | string[]>>;

export interface StreamedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readable;
}

export interface WholeAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** About one connection only, or made anew by whoever sends the message on. */
const NOT_FORWARDED: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "host"]);

/** The real API server, over a keep-alive pool of the proxy's own. */
export class Upstream {
  readonly #server: string;
  readonly #agent: Agent;

  constructor({ server, caData }: Cluster) {
    this.#server = server;
    this.#agent = new Agent({ allowH2: false, headersTimeout: 0, bodyTimeout: 0, connect: { ca: caData } });
  }

  /** @throws Error when the API server does not answer. */
  async stream(request: IncomingMessage, body: Buffer, signal?: AbortSignal): Promise<StreamedAnswer> {
    const answer = await this.#agent.request({
      origin: this.#server,
      path: request.url ?? "/",
      method: request.method as "GET",
      headers: forwarded(request.headers),
      body: body.length === 0 ? null : body,
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: answer.statusCode, headers: forwarded(answer.headers), body: answer.body };
  }

  /** @throws Error when the API server does not answer, or not to the end. */
  async ask(request: IncomingMessage, body: Buffer): Promise<WholeAnswer> {
    const answer = await this.stream(request, body);
    const chunks: Buffer[] = [];
    for await (const chunk of answer.body) chunks.push(Buffer.from(chunk as Uint8Array));
    return { ...answer, body: Buffer.concat(chunks) };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

function forwarded(headers: IncomingHttpHeaders): Headers {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !NOT_FORWARDED.has(name)) kept[name] = value;
  return kept;
}
