import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { KubeObject, ResourceDefinition } from "./objects.ts";
import { json, ScriptedServer, type Seen, status } from "./scripted-server.testing.ts";

export const PROBES: ResourceDefinition = {
  group: "probe.test",
  version: "v1",
  kind: "Probe",
  plural: "probes",
  namespaced: false,
};
export type Probe = KubeObject<{ readonly colour: string }>;

/** How the next list page or watch is spoiled. Each but the last leaves the operator to find out by itself. */
export type Spoil = "refuse 410" | "refuse 429" | "refuse 500" | "reset" | "truncate" | "never answer" | "answer and never speak";
/** Whether initial events are streamed; "ignored": the server does not know the parameter, and never ends them. */
export type WatchListSupport = "streamed" | "refused" | "ignored";

interface Written {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: Probe;
}

const PAGE = 3;

/** A collection as an API server keeps and serves it, whose every past state is known, and whose answers can be spoiled. */
export class ModelServer implements AsyncDisposable {
  watchList: WatchListSupport = "streamed";
  /** How long after the initial events their end is told. */
  endDelayMs = 0;
  /** Every write in order. */
  readonly history: Written[] = [];
  readonly #objects = new Map<string, Probe>();
  readonly #snapshots = new Map<number, readonly Probe[]>();
  readonly #watches = new Set<ServerResponse>();
  readonly #spoils: { readonly kind: "list" | "watch"; readonly spoil: Spoil }[] = [];
  #server: ScriptedServer | undefined;
  // They gain a digit on the way: no comparing of versions as text.
  #version = 96;
  /** Versions up to here can be neither watched from nor continued. */
  #forgotten = 0;

  static async start(): Promise<ModelServer> {
    const model = new ModelServer();
    model.#server = await ScriptedServer.start((seen, response, socket) => model.#answer(seen, response, socket));
    return model;
  }

  get url(): URL {
    if (this.#server === undefined) throw new Error("the server was not started");
    return this.#server.url;
  }

  get objects(): readonly Probe[] {
    return [...this.#objects.values()];
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  write(name: string, colour: string): void {
    const known = this.#objects.get(name);
    this.#version += 1;
    const metadata = { name, uid: known?.metadata.uid ?? `${name}-${this.#version}`, resourceVersion: String(this.#version) };
    const object: Probe = { apiVersion: "probe.test/v1", kind: "Probe", metadata, spec: { colour } };
    this.#objects.set(name, object);
    this.#record({ version: this.#version, type: known === undefined ? "ADDED" : "MODIFIED", object });
  }

  /** Nothing happens when there is no such object. */
  delete(name: string): void {
    const known = this.#objects.get(name);
    if (known === undefined) return;
    this.#version += 1;
    this.#objects.delete(name);
    const object = { ...known, metadata: { ...known.metadata, resourceVersion: String(this.#version) } };
    this.#record({ version: this.#version, type: "DELETED", object });
  }

  /** Other collections have moved the version on; the open watches are told. */
  bookmark(): void {
    this.#version += 7;
    this.#say({ type: "BOOKMARK", object: { kind: "Probe", metadata: { resourceVersion: String(this.#version) } } });
  }

  compact(): void {
    this.#forgotten = this.#version;
    this.#snapshots.clear();
  }

  spoil(kind: "list" | "watch", spoil: Spoil): void {
    this.#spoils.push({ kind, spoil });
  }

  /** The end of a watch as after its timeout. */
  endWatches(): void {
    this.#drop((watch) => watch.end());
  }

  resetWatches(): void {
    this.#drop((watch) => watch.socket?.resetAndDestroy());
  }

  /** Half of an event, and the end. */
  cutWatches(): void {
    this.#drop((watch) => watch.end('{"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVers'));
  }

  /** The version that the watches are at is gone. */
  expireWatches(): void {
    this.#say({ type: "ERROR", object: status(410, "Expired", "too old resource version") });
    this.endWatches();
  }

  /** The open watches stay open and are told nothing any more. */
  darkenWatches(): void {
    this.#drop(() => {});
  }

  /** From now on nothing is spoiled. */
  heal(): void {
    this.#spoils.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  #record(written: Written): void {
    this.history.push(written);
    this.#say({ type: written.type, object: written.object });
  }

  #drop(how: (watch: ServerResponse) => void): void {
    for (const watch of this.#watches) how(watch);
    this.#watches.clear();
  }

  #say(event: object): void {
    for (const watch of this.#watches) watch.write(`${JSON.stringify(event)}\n`);
  }

  #answer({ url }: Seen, response: ServerResponse, socket: Socket): void {
    const kind = url.searchParams.has("watch") ? "watch" : "list";
    const index = this.#spoils.findIndex((planned) => planned.kind === kind);
    const [planned] = index < 0 ? [] : this.#spoils.splice(index, 1);
    if (planned !== undefined) spoilAnswer(planned.spoil, response, socket);
    else if (kind === "list") this.#list(url, response);
    else if (url.searchParams.has("sendInitialEvents")) this.#begin(response);
    else this.#resume(Number(url.searchParams.get("resourceVersion")), response);
  }

  #list({ searchParams }: URL, response: ServerResponse): void {
    const [version = this.#version, start = 0] = (searchParams.get("continue") ?? "").split(":").filter(Boolean).map(Number);
    if (!searchParams.has("continue")) this.#snapshots.set(version, this.objects);
    const items = this.#snapshots.get(version);
    if (items === undefined) {
      json(response, 410, status(410, "Expired", "the continue token is too old"));
      return;
    }
    const more = start + PAGE < items.length ? { continue: `${version}:${start + PAGE}` } : {};
    const metadata = { resourceVersion: String(version), ...more };
    json(response, 200, { kind: "ProbeList", apiVersion: "probe.test/v1", metadata, items: items.slice(start, start + PAGE) });
  }

  #begin(response: ServerResponse): void {
    if (this.watchList === "refused") {
      json(response, 422, status(422, "Invalid", "sendInitialEvents is forbidden for watch"));
      return;
    }
    openStream(response);
    for (const object of this.objects) response.write(`${JSON.stringify({ type: "ADDED", object })}\n`);
    this.#keep(response);
    if (this.watchList === "streamed") setTimeout(() => this.#endBeginning(response), this.endDelayMs);
  }

  #endBeginning(response: ServerResponse): void {
    if (!this.#watches.has(response)) return;
    const metadata = { resourceVersion: String(this.#version), annotations: { "k8s.io/initial-events-end": "true" } };
    response.write(`${JSON.stringify({ type: "BOOKMARK", object: { kind: "Probe", metadata } })}\n`);
  }

  #resume(from: number, response: ServerResponse): void {
    if (from < this.#forgotten) {
      json(response, 410, status(410, "Expired", "too old resource version"));
      return;
    }
    openStream(response);
    for (const { version, type, object } of this.history)
      if (version > from) response.write(`${JSON.stringify({ type, object })}\n`);
    this.#keep(response);
  }

  #keep(response: ServerResponse): void {
    this.#watches.add(response);
    response.on("close", () => this.#watches.delete(response));
  }
}

function openStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
}

function spoilAnswer(spoil: Spoil, response: ServerResponse, socket: Socket): void {
  if (spoil === "refuse 410") json(response, 410, status(410, "Expired"));
  else if (spoil === "refuse 429") json(response, 429, status(429, "TooManyRequests"));
  else if (spoil === "refuse 500") json(response, 500, status(500, "InternalError"));
  else if (spoil === "reset") socket.resetAndDestroy();
  else if (spoil === "truncate")
    response.writeHead(200, { "content-type": "application/json" }).end('{"kind":"ProbeList","items":[{"met');
  else if (spoil === "answer and never speak") openStream(response);
}
