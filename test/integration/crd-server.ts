import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { kinds } from "../../tools/generate/kinds.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { parseManifests } from "../tools/manifests.ts";
import type { KindName, TestObject } from "./crd-cases.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

const definitionSchema = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) }),
});

/** What the tests read of a custom resource; what a dry run would have stored has no resourceVersion. */
const objectSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), resourceVersion: z.string().optional(), generation: z.number() }),
  spec: z.record(z.string(), z.unknown()),
  status: z.record(z.string(), z.unknown()).optional(),
});
export type StoredObject = z.infer<typeof objectSchema>;

const refusalSchema = z.object({
  message: z.string(),
  details: z.object({ causes: z.array(z.object({ field: z.string(), message: z.string() })).default([]) }).optional(),
});

export interface Cause {
  /** "" for the object itself. */
  readonly field: string;
  readonly message: string;
}

export type Answer =
  | { readonly accepted: true; readonly object: StoredObject }
  | { readonly accepted: false; readonly status: number; readonly message: string; readonly causes: readonly Cause[] };

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly subresource?: "status";
}

/** A real API server that serves the generated CRDs; every write asks for strict validation, as kubectl does. */
export class CustomResources {
  readonly controlPlane: ControlPlane;

  private constructor(controlPlane: ControlPlane) {
    this.controlPlane = controlPlane;
  }

  static async start(): Promise<CustomResources> {
    const resources = new CustomResources(await startControlPlane({ audit: false }));
    await resources.#install();
    return resources;
  }

  stop(): Promise<void> {
    return this.controlPlane.stop();
  }

  create(object: TestObject, options: WriteOptions = {}): Promise<Answer> {
    return this.#write("POST", pathOf(object), object, options);
  }

  /** `object` must have the resourceVersion of what is stored. */
  replace(object: TestObject, options: WriteOptions = {}): Promise<Answer> {
    const subresource = options.subresource === undefined ? "" : `/${options.subresource}`;
    return this.#write("PUT", `${pathOf(object)}/${object.metadata.name}${subresource}`, object, options);
  }

  async select(kind: KindName, selector: string): Promise<readonly string[]> {
    const { plural } = resourceOf(kind);
    const path = `/apis/customdomains.dev/v1/${plural}?fieldSelector=${encodeURIComponent(selector)}`;
    const { status, body } = await this.controlPlane.request("GET", path);
    if (status !== 200) throw new Error(refusalSchema.parse(body).message);
    return z
      .object({ items: z.array(objectSchema) })
      .parse(body)
      .items.map(({ metadata }) => metadata.name);
  }

  async definitions(): Promise<readonly z.infer<typeof definitionSchema>[]> {
    const { body } = await this.controlPlane.request("GET", DEFINITIONS);
    return z.object({ items: z.array(definitionSchema) }).parse(body).items;
  }

  async #install(): Promise<void> {
    const folder = join(import.meta.dirname, "../../crds");
    for (const file of await readdir(folder)) {
      for (const definition of parseManifests(await readFile(join(folder, file), "utf8"))) {
        const { status, body } = await this.controlPlane.request("POST", `${DEFINITIONS}?fieldValidation=Strict`, definition);
        if (status !== 201) throw new Error(`${file}: ${refusalSchema.parse(body).message}`);
      }
    }
    await waitUntil("the kinds to be served", () => this.#areServed(), { timeoutMs: 30_000 });
  }

  async #areServed(): Promise<boolean> {
    const answers = await Promise.all(
      kinds.map(({ resource }) => this.controlPlane.request("GET", `/apis/customdomains.dev/v1/${resource.plural}`)),
    );
    return answers.every(({ status }) => status === 200);
  }

  async #write(method: "POST" | "PUT", path: string, object: TestObject, options: WriteOptions): Promise<Answer> {
    const dryRun = options.dryRun === true ? "&dryRun=All" : "";
    const { status, body } = await this.controlPlane.request(method, `${path}?fieldValidation=Strict${dryRun}`, object);
    if (status < 300) return { accepted: true, object: objectSchema.parse(body) };
    const { message, details } = refusalSchema.parse(body);
    return { accepted: false, status, message, causes: (details?.causes ?? []).map(withoutNil) };
  }
}

function withoutNil({ field, message }: Cause): Cause {
  return { field: field === "<nil>" ? "" : field, message };
}

function pathOf({ kind, metadata }: TestObject): string {
  const { plural } = resourceOf(kind);
  const namespace = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `/apis/customdomains.dev/v1${namespace}/${plural}`;
}

function resourceOf(kind: string) {
  const found = kinds.find(({ resource }) => resource.kind === kind);
  if (found === undefined) throw new Error(`no kind ${kind}`);
  return found.resource;
}
