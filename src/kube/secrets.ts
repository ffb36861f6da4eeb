import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { ApiError } from "./api-error.ts";
import type { KubeObject, ResourceDefinition } from "./objects.ts";
import { Reflector, withoutManagedFields } from "./reflector.ts";
import { Store } from "./store.ts";
import type { KubeTransport } from "./transport.ts";

const SECRETS: ResourceDefinition = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** What came of looking for a Secret's key. */
export type SecretValue =
  | { readonly kind: "value"; readonly value: Buffer /** Changes whenever the Secret does. */; readonly version: string }
  /** The watch has not answered yet: nothing may be concluded. */
  | { readonly kind: "unknown" }
  | { readonly kind: "missing"; readonly message: string };

export interface SecretReader {
  read(ref: { readonly name: string; readonly key: string }): SecretValue;
}

/**
 * The Secrets of the operator's own namespace that somebody asked for, each watched by its name from the first time on:
 * the RBAC rule names them too, and no other Secret is ever in memory.
 */
export class SecretStore implements SecretReader {
  readonly #options: { namespace: string; transport: KubeTransport; metrics: Metrics; logger: Logger; random: () => number };
  readonly #stores = new Map<string, Store<Secret>>();
  readonly #forbidden = new Set<string>();
  readonly #changed: (name: string) => void;
  #signal: AbortSignal | undefined;
  readonly #running: Promise<void>[] = [];
  readonly #reflectors: Reflector<Secret>[] = [];

  constructor(options: {
    namespace: string;
    transport: KubeTransport;
    metrics: Metrics;
    logger: Logger;
    random: () => number;
    /** Called with a Secret's name when it was first read, changed or deleted. */
    onChange: (name: string) => void;
  }) {
    this.#options = options;
    this.#changed = options.onChange;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const [name, store] of this.#stores) this.#watch(name, store, signal);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.all(this.#running);
  }

  /** Of the watch that is worst off; see Reflector. */
  get stuckMs(): number {
    return Math.max(0, ...this.#reflectors.map(({ stuckMs }) => stuckMs));
  }

  read(ref: { readonly name: string; readonly key: string }): SecretValue {
    const store = this.#stores.get(ref.name) ?? this.#add(ref.name);
    if (this.#forbidden.has(ref.name)) {
      const message = `the operator may not read Secret ${ref.name}: add it to its Role (chart value credentials.secretNames)`;
      return { kind: "missing", message };
    }
    if (!store.synced) return { kind: "unknown" };
    const secret = store.get(`${this.#options.namespace}/${ref.name}`);
    if (secret === undefined) {
      return { kind: "missing", message: `Secret ${ref.name} does not exist in namespace ${this.#options.namespace}` };
    }
    const encoded = secret.data?.[ref.key];
    if (encoded === undefined || encoded === "") {
      return { kind: "missing", message: `Secret ${ref.name} in namespace ${this.#options.namespace} has no key ${ref.key}` };
    }
    return {
      kind: "value",
      value: Buffer.from(encoded, "base64"),
      version: `${secret.metadata.uid}/${secret.metadata.resourceVersion}`,
    };
  }

  #add(name: string): Store<Secret> {
    const store = new Store<Secret>();
    this.#stores.set(name, store);
    store.onChange(() => this.#changed(name));
    if (this.#signal !== undefined) this.#watch(name, store, this.#signal);
    return store;
  }

  #watch(name: string, store: Store<Secret>, signal: AbortSignal): void {
    const { namespace, transport, metrics, logger, random } = this.#options;
    const reflector = new Reflector<Secret>({
      resource: SECRETS,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      store,
      project: withoutManagedFields,
      transport,
      metrics,
      logger,
      random,
      onSynced: () => {
        this.#forbidden.delete(name);
        this.#changed(name);
      },
      onFailure: (error) => {
        if (!(error instanceof ApiError) || error.status !== 403 || this.#forbidden.has(name)) return;
        this.#forbidden.add(name);
        this.#changed(name);
      },
    });
    this.#reflectors.push(reflector);
    this.#running.push(reflector.run(signal));
  }
}
