import { Agent, request } from "undici";
import type { KeyPair } from "./certificates.ts";
import type { Cluster } from "./kubeconfig.ts";

export interface ApiAnswer {
  readonly status: number;
  /** The parsed body, or its text where that is not one JSON document. */
  readonly body: unknown;
}

/**
 * The few requests that starting a control plane and preparing a test need, as cluster administrator. Not the client of the operator,
 * on purpose: what judges the operator must not share its faults.
 */
export class AdminClient {
  readonly #agent: Agent;
  readonly #server: string;

  constructor({ server, caData }: Cluster, { cert, key }: KeyPair) {
    this.#server = server;
    this.#agent = new Agent({ connect: { ca: caData, cert, key } });
  }

  async request(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<ApiAnswer> {
    const content =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": contentType ?? "application/json" } };
    const answer = await request(`${this.#server}${path}`, { method, dispatcher: this.#agent, ...content });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: parsed(text) };
  }

  /** Drops its connections at once, as no answer is awaited any more. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A watch answers with several documents, /readyz with plain text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
