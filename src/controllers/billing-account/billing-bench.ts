import { Agent } from "undici";
import { ADDON, startSite } from "../../../test/simulators/chargebee/fixture.ts";
import type { ChargebeeSimulator, ChargebeeSimulatorOptions } from "../../../test/simulators/chargebee/chargebee-simulator.ts";
import { SkewedClock } from "../../../test/simulators/clock.ts";
import type { BillingAccount, BillingAccountSpec, BillingAccountStatus } from "../../api/v1/billing-account.ts";
import type { ChargebeeSettings } from "../../api/v1/chargebee-settings.ts";
import { type CustomDomainClass, customDomainClassSpecSchema } from "../../api/v1/custom-domain-class.ts";
import type { DomainClaim, DomainClaimSpec } from "../../api/v1/domain-claim.ts";
import { API_VERSION } from "../../api/v1/group.ts";
import { ChargebeeSites } from "../../chargebee/sites.ts";
import { findCondition } from "../../core/conditions.ts";
import { type KubeObject, keyOf, type ObjectKey } from "../../kube/objects.ts";
import type { SecretValue } from "../../kube/secrets.ts";
import { Store } from "../../kube/store.ts";
import { TryAgain } from "../../runtime/controller.ts";
import { Timers } from "../../runtime/timers.ts";
import { type BillingController, createBillingController } from "./billing-controller.ts";
import { billingAccountIndexers, domainClaimBillingIndexers, StoreBillingSources } from "./kube-ports.ts";
import type { AccountWriter } from "./ports.ts";

export interface RecordedEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
}

/** Chargebee settings of the bench's class that a test may change. */
export type BenchSettings = Partial<Omit<ChargebeeSettings, "site" | "apiURL" | "apiKeySecretRef">>;

/**
 * The controller against the Chargebee simulator over sockets, with the cluster in memory: the real stores, and writes that are
 * refused, as the API server refuses them, unless they carry the current resourceVersion. Time is a SkewedClock.
 */
export class BillingBench implements AccountWriter {
  readonly clock = new SkewedClock();
  readonly chargebee: ChargebeeSimulator;
  readonly accounts = new Store<BillingAccount>(billingAccountIndexers);
  readonly claims = new Store<DomainClaim>(domainClaimBillingIndexers);
  readonly classes = new Store<CustomDomainClass>();
  readonly namespaces = new Store<KubeObject>();
  readonly events: RecordedEvent[] = [];
  /** Writes of BillingAccounts that were carried out. */
  writes = 0;
  apiKey: string | undefined = "test_key";
  mayWrite = true;
  /** Called before each write of an account, to change it under the controller's feet. */
  beforeWrite: () => void = () => {};
  readonly #agent = new Agent();
  readonly #timers = new Timers(this.clock);
  readonly #sites: ChargebeeSites;
  readonly #due = new Map<ObjectKey, number>();
  #controller: BillingController;
  #version = 1_000;
  #secretVersion = 1;

  private constructor(chargebee: (clock: SkewedClock) => Promise<ChargebeeSimulator>, started: ChargebeeSimulator, clock: SkewedClock) {
    void chargebee;
    this.clock = clock;
    this.chargebee = started;
    this.#sites = this.#newSites();
    this.#controller = this.#newController();
  }

  static async start(options: Partial<ChargebeeSimulatorOptions> = {}, settings: BenchSettings = {}): Promise<BillingBench> {
    const clock = new SkewedClock();
    const chargebee = await startSite(clock, { requestsPerMinute: 100_000, ...options });
    const bench = new BillingBench(async () => chargebee, chargebee, clock);
    bench.putClass("default", settings);
    return bench;
  }

  async close(): Promise<void> {
    this.#timers.clear();
    await this.#agent.close();
    await this.chargebee.close();
  }
}
