import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { request as send } from "node:https";
import type { ControlPlane } from "../../test/control-plane/control-plane.ts";
import { API } from "../widgets.ts";

export interface Seen {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status?: { readonly observedGeneration: number };
}

/** The driver's own eyes: a watch of one namespace, on a connection of its own, not the stack's code. */
export class WidgetWatch implements Disposable {
  readonly #request: ClientRequest;

  /** `onEvent` is called in the turn in which the event arrives. Resolves once the watch is established. */
  static async open(controlPlane: ControlPlane, namespace: string, token: string, onEvent: (seen: Seen) => void) {
    const url = `${controlPlane.server}${API}/namespaces/${namespace}/widgets?watch=true`;
    const request = send(url, { ca: controlPlane.caData, headers: { authorization: `Bearer ${token}` } });
    const watch = new WidgetWatch(request, onEvent);
    request.end();
    await once(request, "response");
    return watch;
  }

  private constructor(request: ClientRequest, onEvent: (seen: Seen) => void) {
    this.#request = request;
    request.on("error", () => {});
    request.on("response", (response) => {
      let rest = "";
      response.setEncoding("utf8");
      response.on("error", () => {});
      response.on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onEvent((JSON.parse(line) as { readonly object: Seen }).object);
      });
    });
  }

  [Symbol.dispose](): void {
    this.#request.destroy();
  }
}
