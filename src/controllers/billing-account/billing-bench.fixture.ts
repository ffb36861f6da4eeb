import { Agent } from "undici";
import type { ChargebeeSimulator, ChargebeeSimulatorOptions } from "../../../test/simulators/chargebee/chargebee-simulator.ts";
import { startSite } from "../../../test/simulators/chargebee/fixture.ts";
import { SkewedClock } from "../../../test/simulators/clock.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { ChargebeeSites } from "../../chargebee/sites.ts";
import { keyOf, type ObjectKey } from "../../kube/objects.ts";
import type { SecretValue } from "../../kube/secrets.ts";
import { Store } from "../../kube/store.ts";
import { TryAgain } from "../../runtime/controller.ts";
import { Timers } from "../../runtime/timers.ts";
import { type BillingController, createBillingController } from "./billing-controller.ts";
import { domainClaimBillingIndexers, StoreBillingSources } from "./kube-ports.ts";
import { type ClassSettings, MemoryCluster } from "./memory-cluster.fixture.ts";

export interface RecordedEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
}

export interface BenchOptions {
  readonly site?: Partial<ChargebeeSimulatorOptions>;
  readonly settings?: ClassSettings;
  /** Real milliseconds of one exchange with Chargebee. */
  readonly timeoutMs?: number;
}

/** A cluster with the billing controller at work on it, against the Chargebee simulator over sockets. Time is a SkewedClock. */
export class BillingBench extends MemoryCluster {
  readonly clock: SkewedClock;
  readonly chargebee: ChargebeeSimulator;
  readonly events: RecordedEvent[] = [];
  apiKey: string | undefined = "test_key";
  mayWrite = true;
  readonly #timeoutMs: number;
  readonly #agent = new Agent();
  readonly #due = new Map<ObjectKey, number>();
  #timers: Timers;
  #controller: BillingController;

  private constructor(clock: SkewedClock, chargebee: ChargebeeSimulator, timeoutMs: number) {
    super(clock, chargebee.url);
    this.clock = clock;
    this.chargebee = chargebee;
    this.#timeoutMs = timeoutMs;
    this.#timers = new Timers(clock);
    this.#controller = this.#newController(this.claims);
    this.claims.onChange(({ before, after }) => this.#enqueue(this.#controller.triggers.claimChanged(before, after)));
    this.accounts.onChange(({ before, after }) => this.#enqueue(this.#controller.triggers.accountChanged(before, after)));
    this.classes.onChange(({ key }) => this.#enqueue(this.#keys().filter((account) => account.endsWith(`/${key}`))));
  }

  static async start(options: BenchOptions = {}): Promise<BillingBench> {
    const clock = new SkewedClock();
    const chargebee = await startSite(clock, { requestsPerMinute: 100_000, ...options.site });
    const bench = new BillingBench(clock, chargebee, options.timeoutMs ?? 5_000);
    bench.putClass("default", options.settings);
    return bench;
  }

  async close(): Promise<void> {
    this.#timers.clear();
    await this.#agent.destroy();
    await this.chargebee.close();
  }

  /** A new process: everything in memory is lost, everything in the cluster is there. */
  restart(options: { readonly claimsSynced?: boolean } = {}): void {
    this.#timers.clear();
    this.#timers = new Timers(this.clock);
    this.#due.clear();
    this.#controller = this.#newController(options.claimsSynced === false ? new Store(domainClaimBillingIndexers) : this.claims);
    this.#enqueue(this.#keys());
  }

  /** What the watch of the Secret would cause. */
  setKey(apiKey: string | undefined): void {
    this.apiKey = apiKey;
    this.#enqueue(this.#keys());
  }

  /** Lets `ms` of the clock pass and reconciles whatever becomes due, in due order. */
  async run(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    for (;;) {
      const [next] = [...this.#due].sort(([, a], [, b]) => a - b);
      if (next === undefined || next[1] > end) break;
      const [key, due] = next;
      this.clock.advance(Math.max(0, due - this.clock.monotonic()));
      await this.reconcile(key);
    }
    this.clock.advance(Math.max(0, end - this.clock.monotonic()));
  }

  /** One reconcile now; what it asks for is queued. Throws what it threw, but for a lost race. */
  async reconcile(key: ObjectKey): Promise<void> {
    this.#due.delete(key);
    try {
      const { requeueAfterMs } = await this.#controller.reconciler.reconcile(key, AbortSignal.timeout(60_000));
      if (requeueAfterMs !== undefined) this.#enqueueAt(key, this.clock.monotonic() + requeueAfterMs);
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      this.#enqueueAt(key, this.clock.monotonic() + error.afterMs);
    }
  }

  #enqueue(keys: readonly ObjectKey[]): void {
    for (const key of keys) this.#enqueueAt(key, this.clock.monotonic());
  }

  #enqueueAt(key: ObjectKey, due: number): void {
    this.#due.set(key, Math.min(this.#due.get(key) ?? Number.POSITIVE_INFINITY, due));
  }

  #keys(): ObjectKey[] {
    return [...this.accounts.list()].map(keyOf);
  }

  #newController(claims: Store<DomainClaim>): BillingController {
    const { clock, accounts, classes, namespaces } = this;
    const sources = new StoreBillingSources({ accounts, classes, claims, namespaces });
    const sites = new ChargebeeSites({
      dispatcher: this.#agent,
      clock,
      timers: this.#timers,
      timeoutMs: this.#timeoutMs,
      assertMayWrite: () => {
        if (!this.mayWrite) throw new Error("not the leader");
      },
      log: { record: () => {} },
    });
    return createBillingController({
      sources,
      writer: this,
      secrets: { read: () => this.#secret() },
      sites,
      events: { event: (_, type, reason, __, note) => void this.events.push({ type, reason, note }) },
      clock,
      enqueue: (key) => this.#enqueue([key]),
    });
  }

  #secret(): SecretValue {
    if (this.apiKey === undefined) return { kind: "missing", message: "Secret chargebee does not exist" };
    return { kind: "value", value: Buffer.from(`${this.apiKey}\n`), version: this.apiKey };
  }
}
