import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { KubeObject, ResourceDefinition } from "./objects.ts";
import { json, ScriptedServer, type Seen, status } from "./scripted-server.testing.ts";

export const PROBES: ResourceDefinition = {
  group: "probe.test",
  version: "v1",
  kind: "Probe",
  plural: "probes",
  namespaced: true,
};
export type Probe = KubeObject<{ readonly colour: string }>;
export type WatchEvent = { readonly type: string; readonly object: unknown };

/** Answers one request instead of the stub; called with what the stub would do. */
export type Fault = (response: ServerResponse, socket: Socket, proceed: () => void) => void;

/** One collection served as the API server does: paged lists of one version, watches from a version, 410 for forgotten ones. */
export class ApiStub implements AsyncDisposable {
  readonly #objects = new Map<string, Probe>();
  #history: { readonly version: number; readonly event: WatchEvent }[] = [];
  readonly #snapshots: { readonly version: number; readonly items: readonly Probe[] }[] = [];
  readonly #watches = new Set<ServerResponse>();
  readonly #faults: { readonly kind: "list" | "watch"; readonly fault: Fault }[] = [];
  #server: ScriptedServer | undefined;
  /** Whether the stub streams initial events; "ignored" is a server that does not know the parameter. */
  watchList: "streamed" | "refused" | "ignored" = "refused";
  #version = 98;
  #oldest = 0;

  static async start(): Promise<ApiStub> {
    const stub = new ApiStub();
    stub.#server = await ScriptedServer.start((seen, response, socket) => stub.#answer(seen, response, socket));
    return stub;
  }

  get server(): ScriptedServer {
    if (this.#server === undefined) throw new Error("the stub was not started");
    return this.#server;
  }

  get lists(): readonly Seen[] {
    return this.server.seen.filter(({ url }) => !url.searchParams.has("watch"));
  }

  get watches(): readonly Seen[] {
    return this.server.seen.filter(({ url }) => url.searchParams.has("watch") && !isBeginning(url));
  }

  /** Watches that asked for everything there is. */
  get beginnings(): readonly Seen[] {
    return this.server.seen.filter(({ url }) => isBeginning(url));
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  get objects(): readonly Probe[] {
    return [...this.#objects.values()];
  }

  get version(): string {
    return String(this.#version);
  }

  /** The next list or watch is answered by this. Faults of one kind queue up. */
  fail(kind: "list" | "watch", fault: Fault): void {
    this.#faults.push({ kind, fault });
  }

  put(name: string, colour: string): void {
    const known = this.#objects.get(name);
    this.#version += 1;
    const managedFields = [{ manager: "somebody" }];
    const metadata = {
      name,
      namespace: "shop",
      uid: known?.metadata.uid ?? `${name}-${this.#version}`,
      resourceVersion: this.version,
      managedFields,
    };
    const object: Probe = { apiVersion: "probe.test/v1", kind: "Probe", metadata, spec: { colour } };
    this.#objects.set(name, object);
    this.#record({ type: known === undefined ? "ADDED" : "MODIFIED", object });
  }

  delete(name: string): void {
    const known = this.#objects.get(name);
    if (known === undefined) throw new Error(`${name} does not exist`);
    this.#version += 1;
    this.#objects.delete(name);
    this.#record({ type: "DELETED", object: { ...known, metadata: { ...known.metadata, resourceVersion: this.version } } });
  }

  /** Advances the version without an event of this collection, as other collections' writes do, and tells the watches. */
  bookmark(): void {
    this.#version += 10;
    this.say({
      type: "BOOKMARK",
      object: { kind: "Probe", apiVersion: "probe.test/v1", metadata: { resourceVersion: this.version } },
    });
  }

  /** Forgets the history: older versions can be neither watched nor continued. */
  compact(): void {
    this.#history = [];
    this.#snapshots.length = 0;
    this.#oldest = this.#version;
  }

  say(event: WatchEvent): void {
    this.write(`${JSON.stringify(event)}\n`);
  }

  /** Raw bytes on every open watch. */
  write(text: string): void {
    for (const watch of this.#watches) if (!watch.writableEnded) watch.write(text);
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  resetWatches(): void {
    for (const watch of this.#watches) watch.socket?.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  #record(event: WatchEvent): void {
    this.#history.push({ version: this.#version, event });
    this.say(event);
  }

  #answer(seen: Seen, response: ServerResponse, socket: Socket): void {
    if (isBeginning(seen.url) && this.watchList === "refused") {
      json(response, 422, status(422, "Invalid", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch"));
      return;
    }
    const kind = seen.url.searchParams.has("watch") ? "watch" : "list";
    const proceed = (): void => (kind === "watch" ? this.#watch(seen, response) : this.#list(seen, response));
    const index = this.#faults.findIndex((fault) => fault.kind === kind);
    if (index < 0) proceed();
    else this.#faults.splice(index, 1)[0]?.fault(response, socket, proceed);
  }

  #list({ url }: Seen, response: ServerResponse): void {
    const limit = Number(url.searchParams.get("limit"));
    const [version = "", start = "0"] = (url.searchParams.get("continue") ?? "").split(":");
    if (version === "") this.#snapshots.push({ version: this.#version, items: this.objects });
    const snapshot = version === "" ? this.#snapshots.at(-1) : this.#snapshots.find((one) => one.version === Number(version));
    if (snapshot === undefined) {
      json(response, 410, status(410, "Expired", "the continue token is too old"));
      return;
    }
    const end = Number(start) + limit;
    const more = end < snapshot.items.length ? { continue: `${snapshot.version}:${end}` } : {};
    json(response, 200, {
      kind: "ProbeList",
      apiVersion: "probe.test/v1",
      metadata: { resourceVersion: String(snapshot.version), ...more },
      items: snapshot.items.slice(Number(start), end).map(({ metadata, spec }) => ({ metadata, spec })),
    });
  }

  #watch({ url }: Seen, response: ServerResponse): void {
    if (isBeginning(url)) {
      this.#begin(response);
      return;
    }
    const from = Number(url.searchParams.get("resourceVersion"));
    if (from < this.#oldest) {
      json(response, 410, status(410, "Expired", "too old resource version"));
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const { version, event } of this.#history) if (version > from) response.write(`${JSON.stringify(event)}\n`);
    this.#keep(response);
  }

  /** As with an empty resourceVersion: everything there is, and then, if the server knows how to, the bookmark that ends it. */
  #begin(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const object of this.objects) response.write(`${JSON.stringify({ type: "ADDED", object })}\n`);
    if (this.watchList === "streamed") this.#end(response);
    this.#keep(response);
  }

  #end(response: ServerResponse): void {
    const metadata = { resourceVersion: this.version, annotations: { "k8s.io/initial-events-end": "true" } };
    response.write(`${JSON.stringify({ type: "BOOKMARK", object: { metadata } })}\n`);
  }

  #keep(response: ServerResponse): void {
    this.#watches.add(response);
    response.on("close", () => this.#watches.delete(response));
  }
}

function isBeginning(url: URL): boolean {
  return url.searchParams.get("sendInitialEvents") === "true";
}
