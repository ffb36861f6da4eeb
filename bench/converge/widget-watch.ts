import { Agent } from "undici";
import type { ControlPlane } from "../../test/control-plane/control-plane.ts";
import { FINALIZER } from "../widgets.ts";

const WIDGETS = "/apis/bench.customdomains.dev/v1/widgets";
const NEWLINE = 0x0a;

interface WatchEvent {
  readonly type: string;
  readonly object: {
    readonly message?: string;
    readonly metadata: { readonly uid: string; readonly resourceVersion: string; readonly finalizers?: readonly string[] };
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  };
}

/**
 * How the driver sees the Widgets: one watch from before the first of them is created, the same for every stack. The API server ends one
 * when the definition of the kind has settled, or after half an hour; it goes on where it was.
 */
export class WidgetWatch implements AsyncDisposable {
  readonly #agent: Agent;
  readonly #server: string;
  readonly #converged = new Map<string, boolean>();
  readonly #failure = Promise.withResolvers<never>();
  #version: string;
  #convergedCount = 0;
  #firstWriteAt: number | undefined;
  #reached: (() => void) | undefined;
  #condition: () => boolean = () => false;

  static async start(controlPlane: ControlPlane): Promise<WidgetWatch> {
    const { status, body } = await controlPlane.request("GET", `${WIDGETS}?limit=1`);
    const { items, metadata } = body as {
      readonly items?: readonly unknown[];
      readonly metadata: { readonly resourceVersion: string };
    };
    if (status !== 200 || items?.length !== 0)
      throw new Error(`a run starts without Widgets, but the list gives ${status}, ${items?.length}`);
    const watch = new WidgetWatch(controlPlane, metadata.resourceVersion);
    await watch.#open();
    return watch;
  }

  private constructor(controlPlane: ControlPlane, version: string) {
    this.#server = controlPlane.server;
    this.#version = version;
    const { cert, key } = controlPlane.issueClientCertificate("bench-driver", ["system:masters"]);
    this.#agent = new Agent({ allowH2: false, bodyTimeout: 0, connect: { ca: controlPlane.caData, cert, key } });
    this.#failure.promise.catch(() => {});
  }

  /** When the first event of a write after the creation came, on the clock of `performance.now()`. */
  get firstWriteAt(): number | undefined {
    return this.#firstWriteAt;
  }

  get converged(): number {
    return this.#convergedCount;
  }

  get present(): number {
    return this.#converged.size;
  }

  /** Resolves when so many have the finalizer and Ready=True. */
  untilConverged(count: number): Promise<void> {
    return this.#until(() => this.#convergedCount >= count);
  }

  untilPresent(count: number): Promise<void> {
    return this.#until(() => this.#converged.size === count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #open(): Promise<void> {
    const path = `${WIDGETS}?watch=true&resourceVersion=${this.#version}`;
    const { statusCode, body } = await this.#agent.request({ origin: this.#server, path, method: "GET" });
    if (statusCode !== 200) throw new Error(`the watch of Widgets was refused: ${statusCode}`);
    this.#read(body)
      .then(() => this.#open())
      .catch((error: Error) => this.#failure.reject(error));
  }

  async #read(body: AsyncIterable<Buffer>): Promise<void> {
    let rest: Buffer[] = [];
    for await (const chunk of body) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        const line = Buffer.concat([...rest, chunk.subarray(start, end)]).toString("utf8");
        rest = [];
        start = end + 1;
        this.#take(JSON.parse(line) as WatchEvent);
      }
      rest.push(chunk.subarray(start));
    }
  }

  #take({ type, object }: WatchEvent): void {
    if (type === "ERROR") throw new Error(`the watch of Widgets failed: ${object.message}`);
    const { uid, resourceVersion } = object.metadata;
    this.#version = resourceVersion;
    const before = this.#converged.get(uid) ?? false;
    if (type === "DELETED") this.#converged.delete(uid);
    else this.#converged.set(uid, isConverged(object));
    if (type === "MODIFIED") this.#firstWriteAt ??= performance.now();
    this.#convergedCount += Number(this.#converged.get(uid) ?? false) - Number(before);
    if (this.#condition()) this.#reached?.();
  }

  /** One wait at a time. */
  async #until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#condition = condition;
    this.#reached = resolve;
    await Promise.race([promise, this.#failure.promise]);
  }
}

function isConverged({ metadata, status }: WatchEvent["object"]): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
  return ready && (metadata.finalizers?.includes(FINALIZER) ?? false);
}
