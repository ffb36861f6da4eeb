import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { createLogger } from "../runtime/logger.ts";
import { ApiStub, PROBES, type Probe } from "./api-stub.testing.ts";
import { Reflector, type ReflectorLimits, withoutManagedFields } from "./reflector.ts";
import { ChangingCredentials, transportTo } from "./scripted-server.testing.ts";
import { Store } from "./store.ts";

/** A reflector that runs against a stub, with what it told and what it logged. */
export class ReflectorBench implements AsyncDisposable {
  readonly stub: ApiStub;
  readonly store = new Store<Probe>();
  readonly failures: unknown[] = [];
  readonly log: Record<string, unknown>[] = [];
  /** `name=colour`, or `name gone`, in the order heard. */
  readonly heard: string[] = [];
  synced = 0;
  readonly reflector: Reflector<Probe>;
  readonly #stop = new AbortController();
  readonly #wired: ReturnType<typeof transportTo>;
  #running: Promise<void> | undefined;

  static async start(
    limits: Partial<ReflectorLimits> = {},
    prepare: (stub: ApiStub) => void = () => {},
    selection: { readonly labelSelector?: string; readonly optional?: boolean } = {},
  ): Promise<ReflectorBench> {
    const stub = await ApiStub.start();
    prepare(stub);
    return new ReflectorBench(stub, limits, selection);
  }

  private constructor(stub: ApiStub, limits: Partial<ReflectorLimits>, selection: object) {
    this.stub = stub;
    this.#wired = transportTo(new ChangingCredentials({ server: stub.server.url, tls: {} }));
    this.store.onChange(({ before, after }) => {
      const name = (after ?? before)?.metadata.name;
      this.heard.push(after === undefined ? `${name} gone` : `${name}=${after.spec?.colour}`);
    });
    this.reflector = new Reflector({
      resource: PROBES,
      namespace: "shop",
      store: this.store,
      project: withoutManagedFields,
      transport: this.#wired.transport,
      metrics: this.#wired.metrics,
      logger: createLogger({ level: "debug", destination: { write: (line: string) => void this.log.push(JSON.parse(line)) } }),
      random: () => 0.5,
      onSynced: () => {
        this.synced += 1;
      },
      onFailure: (error) => this.failures.push(error),
      ...selection,
      limits: { minBackoffMs: 10, maxBackoffMs: 100, idleMs: 60_000, initialIdleMs: 30_000, absentMs: 50, ...limits },
    });
    this.#running = this.reflector.run(this.#stop.signal);
  }

  /** Resolves when the store is what the server has and a watch is open on it. */
  async settled(timeoutMs = 10_000): Promise<void> {
    const wanted = (): string => shape(this.stub.objects);
    await waitUntil(
      "the store to be what the server has",
      () => this.stub.openWatches > 0 && shape(this.store.list()) === wanted(),
      {
        timeoutMs,
        intervalMs: 5,
      },
    );
  }

  metricsText(): Promise<string> {
    return this.#wired.metrics.registry.metrics();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("stop"));
    await this.#running;
    this.#running = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#wired.transport.close();
    await this.stub[Symbol.asyncDispose]();
  }
}

function shape(objects: Iterable<Probe>): string {
  return [...objects]
    .map(({ metadata, spec }) => `${metadata.name}@${metadata.resourceVersion}=${spec?.colour}`)
    .sort()
    .join();
}
