import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { API_VERSION } from "../api/v1/group.ts";
import type { KubeObject, ObjectMeta } from "../kube/objects.ts";

/** Any object of our group as it is stored. */
export interface Stored extends KubeObject<unknown, unknown> {
  readonly metadata: ObjectMeta & { readonly uid: string; readonly resourceVersion: string };
}

const PATH = /^\/apis\/customdomains\.dev\/v1(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(\/status)?$/;
/** Kinds whose status is not a subresource. */
const PLAIN: ReadonlySet<string> = new Set(["domainclaims"]);

interface Target {
  readonly plural: string;
  readonly key: string;
  readonly name: string;
  readonly status: boolean;
}

class Refused extends Error {
  readonly code: number;
  readonly reason: string;
  readonly target: Target;

  constructor(code: number, reason: string, target: Target) {
    super(reason);
    this.code = code;
    this.reason = reason;
    this.target = target;
  }
}

/**
 * The part of an API server that controllers meet, in memory behind HTTP on loopback: resourceVersions, uids, generations,
 * finalizers, the status subresource, preconditions, and Statuses that name the object. `changed` stands in for the watch and is
 * called inside the write.
 */
export class MemoryAPI {
  readonly #server: Server;
  readonly #objects = new Map<string, Stored>();
  readonly #now: () => number;
  #version = 100;
  changed: (plural: string, object: Stored, gone: boolean) => void = () => {};
  /** Called after each write that was carried out; false = the answer is lost. */
  afterWrite: () => boolean = () => true;
  /** While true nobody is served: the process that asks is dead. */
  closed = false;

  constructor(now: () => number) {
    this.#now = now;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async listen(): Promise<URL> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  list(plural: string): Stored[] {
    return [...this.#objects].filter(([id]) => id.startsWith(`${plural} `)).map(([, object]) => object);
  }

  get(plural: string, key: string): Stored | undefined {
    return this.#objects.get(`${plural} ${key}`);
  }

  get version(): string {
    return String(this.#version);
  }

  /** As an administrator: creates, or replaces spec, status, labels, annotations and finalizers where they are given. */
  put(plural: string, object: KubeObject): Stored {
    const { namespace, name } = object.metadata;
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    const before = this.get(plural, key);
    const target = { plural, key, name, status: false };
    if (before === undefined) return this.#create(target, object, true);
    return this.#store(target, before, { ...before, ...object, metadata: { ...before.metadata, ...object.metadata } });
  }

  delete(plural: string, key: string): void {
    const object = this.get(plural, key);
    if (object !== undefined) this.#delete({ plural, key, name: object.metadata.name, status: false }, object);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = (code: number, body: unknown): void => {
      response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    try {
      // A definite refusal: a server error would be asked again.
      if (this.closed) throw new Refused(403, "Forbidden", { plural: "", key: "", name: "", status: false });
      const text = Buffer.concat(chunks).toString();
      const body = this.#handle(request.method ?? "GET", request.url ?? "", text === "" ? undefined : JSON.parse(text));
      if (request.method !== "GET" && !this.afterWrite()) response.destroy();
      else answer(request.method === "POST" ? 201 : 200, body);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { code, reason, target } = error;
      const details = { name: target.name, kind: target.plural, group: "customdomains.dev" };
      answer(code, { kind: "Status", status: "Failure", code, reason, message: reason, details });
    }
  }

  #handle(method: string, path: string, body: unknown): Stored {
    const [, namespace, plural = "", named, status] = PATH.exec(path) ?? [];
    const object = body as KubeObject | undefined;
    const name = named ?? object?.metadata.name ?? "";
    const target = { plural, key: namespace === undefined ? name : `${namespace}/${name}`, name, status: status !== undefined };
    if (method === "POST") {
      if (this.get(plural, target.key) !== undefined) throw new Refused(409, "AlreadyExists", target);
      return this.#create(target, object ?? { apiVersion: API_VERSION, kind: "", metadata: { name } }, false);
    }
    const before = this.get(plural, target.key);
    if (before === undefined) throw new Refused(404, "NotFound", target);
    if (method === "GET") return before;
    if (method === "DELETE") {
      const { uid, resourceVersion } = (body as { preconditions: ObjectMeta }).preconditions;
      if (uid !== before.metadata.uid || (resourceVersion ?? before.metadata.resourceVersion) !== before.metadata.resourceVersion)
        throw new Refused(409, "Conflict", target);
      return this.#delete(target, before);
    }
    if (object?.metadata.resourceVersion !== before.metadata.resourceVersion) throw new Refused(409, "Conflict", target);
    const next =
      method === "PATCH" ? patched(before, object.metadata) : target.status ? { ...before, status: object.status } : object;
    return this.#store(target, before, next);
  }

  #create(target: Target, object: KubeObject, trusted: boolean): Stored {
    const { status, ...rest } = object;
    const creationTimestamp = new Date(this.#now()).toISOString();
    const metadata = { ...object.metadata, uid: `uid-${this.#version}`, generation: 1, creationTimestamp, resourceVersion: "" };
    const kept = trusted && status !== undefined ? { status } : {};
    return this.#keep(target, { ...rest, ...kept, metadata });
  }

  #store(target: Target, before: Stored, next: KubeObject): Stored {
    const specChanged = !target.status && JSON.stringify(before.spec) !== JSON.stringify(next.spec);
    const generation = (before.metadata.generation ?? 0) + (specChanged ? 1 : 0);
    const status = target.status || PLAIN.has(target.plural) ? next.status : (next.status ?? before.status);
    const { uid, creationTimestamp = "" } = before.metadata;
    const metadata = {
      ...(target.status ? before.metadata : next.metadata),
      uid,
      creationTimestamp,
      generation,
      resourceVersion: "",
    };
    const stored = {
      ...before,
      ...(target.status ? {} : { spec: next.spec }),
      ...(status === undefined ? {} : { status }),
      metadata,
    };
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) return this.#remove(target, stored);
    return this.#keep(target, stored);
  }

  #delete(target: Target, object: Stored): Stored {
    if ((object.metadata.finalizers ?? []).length === 0) return this.#remove(target, object);
    const deletionTimestamp = new Date(this.#now()).toISOString();
    return this.#keep(target, { ...object, metadata: { ...object.metadata, deletionTimestamp } });
  }

  #keep(target: Target, object: Stored): Stored {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: this.version } };
    this.#objects.set(`${target.plural} ${target.key}`, stored);
    this.changed(target.plural, stored, false);
    return stored;
  }

  #remove(target: Target, object: Stored): Stored {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: this.version } };
    this.#objects.delete(`${target.plural} ${target.key}`);
    this.changed(target.plural, stored, true);
    return stored;
  }
}

function patched(before: Stored, patch: ObjectMeta): Stored {
  const merged = { ...before.metadata, ...patch, uid: before.metadata.uid, resourceVersion: before.metadata.resourceVersion };
  return { ...before, metadata: { ...merged, labels: { ...before.metadata.labels, ...patch.labels } } };
}
