import { Agent, request } from "undici";
import type { ControlPlane } from "../control-plane/control-plane.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Answer {
  readonly status: number;
  /** Of a refusal: why. */
  readonly message: string;
}

/** Asks the API server as a ServiceAccount that exists. */
export class ServiceAccountClient implements AsyncDisposable {
  readonly #server: string;
  readonly #agent: Agent;
  readonly #token: string;

  static async of(controlPlane: ControlPlane, namespace: string, name: string): Promise<ServiceAccountClient> {
    return new ServiceAccountClient(controlPlane, await controlPlane.serviceAccountToken(namespace, name));
  }

  private constructor({ server, caData }: ControlPlane, token: string) {
    this.#server = server;
    this.#agent = new Agent({ connect: { ca: caData } });
    this.#token = token;
  }

  /** A PATCH is a merge patch. */
  async request(method: Method, path: string, body?: object): Promise<Answer> {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const answer = await request(`${this.#server}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, message: answer.statusCode < 400 ? "" : messageOf(text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.close();
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { readonly message?: string }).message ?? text;
  } catch {
    return text;
  }
}
