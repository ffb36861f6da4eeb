import { Agent } from "undici";

/** What the Widgets stand for: one slow GET for each, on shared connections. */
export class ExternalSystem {
  readonly #agent: Agent;
  readonly #origin: string;
  readonly #root: string;

  constructor(options: { readonly url: string; readonly connections: number }) {
    const url = new URL(options.url);
    this.#origin = url.origin;
    this.#root = url.pathname.replace(/\/$/, "");
    this.#agent = new Agent({ allowH2: false, connections: options.connections, pipelining: 1 });
  }

  /** @throws Error for any answer but 200. */
  async call(key: string, signal: AbortSignal): Promise<void> {
    const path = `${this.#root}/${key}`;
    const { statusCode, body } = await this.#agent.request({ origin: this.#origin, path, method: "GET", signal });
    await body.dump();
    if (statusCode !== 200) throw new Error(`the external system answered ${statusCode}`);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}
