import { readFile } from "node:fs/promises";
import type { Dispatcher } from "undici";
import type { ControlPlane } from "../../test/control-plane/control-plane.ts";
import { type WidgetName, widgetPath } from "../widgets.ts";

export interface StoredWidget {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly finalizers?: readonly string[];
    readonly managedFields?: unknown;
  };
}

export interface Identity {
  readonly server: string;
  readonly token: string;
}

/** Who a kubeconfig with a token in it says that its user is. */
export async function identityOf(controlPlane: ControlPlane, kubeconfig: string): Promise<Identity> {
  const config = JSON.parse(await readFile(kubeconfig, "utf8")) as {
    readonly users: readonly [{ readonly user: { readonly token: string } }];
  };
  return { server: controlPlane.server, token: config.users[0].user.token };
}

/** The bare requests that a stack makes, with nothing around them: what is possible with this dispatcher. */
export class ApiCaller {
  readonly #dispatcher: Dispatcher;
  readonly #server: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(dispatcher: Dispatcher, { server, token }: Identity) {
    this.#dispatcher = dispatcher;
    this.#server = server;
    this.#headers = { accept: "application/json", authorization: `Bearer ${token}`, "user-agent": "bench-figures" };
  }

  get(widget: WidgetName): Promise<StoredWidget> {
    return this.#send("GET", widgetPath(widget));
  }

  /** PUT of nothing but the status, guarded by the version. */
  putStatus(widget: WidgetName, version: string, message: string): Promise<StoredWidget> {
    const body = {
      apiVersion: "bench.customdomains.dev/v1",
      kind: "Widget",
      metadata: { ...widget, resourceVersion: version },
      status: statusOf(message),
    };
    return this.#send("PUT", `${widgetPath(widget)}/status`, body, "application/json");
  }

  patch(widget: WidgetName, body: unknown, contentType: string, subresource = ""): Promise<StoredWidget> {
    return this.#send("PATCH", `${widgetPath(widget)}${subresource}`, body, contentType);
  }

  put(widget: WidgetName, body: unknown): Promise<StoredWidget> {
    return this.#send("PUT", widgetPath(widget), body, "application/json");
  }

  async #send(method: "GET" | "PUT" | "PATCH", path: string, body?: unknown, contentType?: string): Promise<StoredWidget> {
    const answer = await this.#dispatcher.request({
      origin: this.#server,
      path,
      method,
      headers: contentType === undefined ? this.#headers : { ...this.#headers, "content-type": contentType },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
    return JSON.parse(text) as StoredWidget;
  }
}

/** What a stack writes once it is done, but for the message, which makes each write a change. */
export function statusOf(message: string): unknown {
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  const condition = { type: "Ready", status: "True", reason: "Converged", message, observedGeneration: 1, lastTransitionTime };
  return { observedGeneration: 1, conditions: [condition] };
}
