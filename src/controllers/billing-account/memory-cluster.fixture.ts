import { kstatusProblems } from "../../../test/kstatus.ts";
import { ADDON } from "../../../test/simulators/chargebee/fixture.ts";
import type { SkewedClock } from "../../../test/simulators/clock.ts";
import type { BillingAccount, BillingAccountSpec, BillingAccountStatus } from "../../api/v1/billing-account.ts";
import type { ChargebeeSettings } from "../../api/v1/chargebee-settings.ts";
import type { Condition } from "../../api/v1/conditions.ts";
import { type CustomDomainClass, customDomainClassSpecSchema } from "../../api/v1/custom-domain-class.ts";
import type { DomainClaim, DomainClaimSpec } from "../../api/v1/domain-claim.ts";
import { API_VERSION } from "../../api/v1/group.ts";
import { findCondition } from "../../core/conditions.ts";
import { type KubeObject, keyOf, type ObjectKey, type ObjectMeta } from "../../kube/objects.ts";
import { Store } from "../../kube/store.ts";
import { TryAgain } from "../../runtime/controller.ts";
import { billingAccountIndexers, domainClaimBillingIndexers } from "./kube-ports.ts";
import type { AccountWriter } from "./ports.ts";

/** Chargebee settings of a class that a test may change. */
export type ClassSettings = Partial<Omit<ChargebeeSettings, "apiURL" | "apiKeySecretRef">>;

/**
 * The kinds that billing reads, in real stores, and writes of accounts that are refused, as the API server refuses them,
 * unless they carry the current resourceVersion.
 */
export class MemoryCluster implements AccountWriter {
  readonly accounts = new Store<BillingAccount>(billingAccountIndexers);
  readonly claims = new Store<DomainClaim>(domainClaimBillingIndexers);
  readonly classes = new Store<CustomDomainClass>();
  readonly namespaces = new Store<KubeObject>();
  /** Writes of BillingAccounts that were carried out. */
  writes = 0;
  /** Called before the next write of an account, once: to change it under the controller's feet. */
  beforeWrite: () => void = () => {};
  readonly #clock: SkewedClock;
  readonly #chargebeeURL: string;
  #version = 1_000;

  constructor(clock: SkewedClock, chargebeeURL: string) {
    this.#clock = clock;
    this.#chargebeeURL = chargebeeURL;
    this.accounts.replace([], "0");
    this.claims.replace([], "0");
    this.classes.replace([], "0");
    this.namespaces.replace([], "0");
  }

  putClass(name: string, settings: ClassSettings = {}): void {
    const spec = customDomainClassSpecSchema.parse({
      cloudflare: { zoneID: "0".repeat(32), apiTokenSecretRef: { name: "cloudflare", key: "token" } },
      dns: { target: "edge.example.net" },
      ownership: { issuer: "test" },
      check: { egress: "Off" },
      billing: {
        chargebee: {
          site: "localhost",
          apiURL: `${this.#chargebeeURL}/api/v2`,
          apiKeySecretRef: { name: "chargebee", key: "apiKey" },
          itemPriceID: ADDON,
          requestsPerMinute: 10_000,
          ...settings,
        },
      },
    });
    this.classes.apply({ apiVersion: API_VERSION, kind: "CustomDomainClass", metadata: this.#meta({ name }, 1), spec });
  }

  /** Creates the account or changes its spec; annotations replace those there. */
  putAccount(key: ObjectKey, spec: Partial<BillingAccountSpec> = {}, annotations?: Readonly<Record<string, string>>): void {
    const [namespace = "", name = ""] = key.split("/");
    const before = this.accounts.get(key);
    const next: BillingAccountSpec = { subscriptionID: "sub_A", suspend: false, ...before?.spec, ...spec };
    const generation = (before?.metadata.generation ?? 0) + 1;
    const meta = { ...before?.metadata, name, namespace, ...(annotations === undefined ? {} : { annotations }) };
    const status = before?.status === undefined ? {} : { status: before.status };
    this.accounts.apply({
      apiVersion: API_VERSION,
      kind: "BillingAccount",
      metadata: this.#meta(meta, generation),
      spec: next,
      ...status,
    });
  }

  annotate(key: ObjectKey, annotations: Readonly<Record<string, string>>): void {
    const account = this.account(key);
    this.accounts.apply({ ...account, metadata: { ...account.metadata, annotations, resourceVersion: this.#next() } });
  }

  /** The status subresource loses everything, as after a restore. */
  dropStatus(key: ObjectKey): void {
    const { status: _, ...account } = this.account(key);
    this.accounts.apply({ ...account, metadata: { ...account.metadata, resourceVersion: this.#next() } });
  }

  deleteAccount(key: ObjectKey): void {
    const account = this.account(key);
    const metadata = {
      ...account.metadata,
      // As the API server counts a deletion that has to wait.
      generation: (account.metadata.generation ?? 0) + 1,
      deletionTimestamp: new Date(this.#clock.now()).toISOString(),
      resourceVersion: this.#next(),
    };
    this.#storeOrRemove({ ...account, metadata });
  }

  /** Claims `<prefix>0.test` … of the namespace, proven and served. */
  addClaims(namespace: string, count: number, prefix = "d", className = "default"): void {
    for (let index = 0; index < count; index += 1)
      this.putClaim(`${prefix}${index}.test`, { holder: holderIn(namespace), className });
  }

  putClaim(domain: string, changes: Partial<DomainClaimSpec> = {}): void {
    const before = this.claims.get(domain);
    const now = new Date(this.#clock.now()).toISOString();
    const spec: DomainClaimSpec = {
      domain,
      state: "Proven",
      tenant: "tenant",
      holder: holderIn("a"),
      id: `id-${domain}`,
      className: "default",
      createdTime: now,
      provenTime: now,
      rows: [{ hostname: domain, role: "Primary", zoneID: "0".repeat(32), id: `row-${domain}` }],
      ...before?.spec,
      ...changes,
    };
    this.claims.apply({
      apiVersion: API_VERSION,
      kind: "DomainClaim",
      metadata: this.#meta({ ...before?.metadata, name: domain }, 1),
      spec,
    });
  }

  /** As the claim protocol does it: Releasing, then gone. */
  releaseClaim(domain: string): void {
    this.putClaim(domain, { state: "Releasing" });
    this.loseClaim(domain);
  }

  /** Gone from one moment to the next. */
  loseClaim(domain: string): void {
    const claim = this.claims.get(domain);
    if (claim !== undefined) this.claims.remove({ ...claim, metadata: { ...claim.metadata, resourceVersion: this.#next() } });
  }

  terminateNamespace(name: string): void {
    const metadata = { ...this.#meta({ name }, 1), deletionTimestamp: new Date(this.#clock.now()).toISOString() };
    this.namespaces.apply({ apiVersion: "v1", kind: "Namespace", metadata });
  }

  has(key: ObjectKey): boolean {
    return this.accounts.get(key) !== undefined;
  }

  account(key: ObjectKey): BillingAccount {
    const account = this.accounts.get(key);
    if (account === undefined) throw new Error(`no BillingAccount ${key}`);
    return account;
  }

  status(key: ObjectKey): BillingAccountStatus {
    return this.account(key).status ?? {};
  }

  condition(key: ObjectKey, type: string): Condition | undefined {
    return findCondition(this.status(key).conditions, type);
  }

  /** @throws Error for a status that tools could not read. */
  async putStatus(account: BillingAccount, status: BillingAccountStatus): Promise<BillingAccount> {
    const { generation = 0 } = account.metadata;
    const problems = kstatusProblems({ kind: "BillingAccount", metadata: { generation }, status });
    if (problems.length > 0) throw new Error(problems.join("; "));
    return this.#write(account, (current) => ({ ...current, status }));
  }

  async setFinalizers(account: BillingAccount, finalizers: readonly string[]): Promise<BillingAccount> {
    return this.#write(account, (current) => ({ ...current, metadata: { ...current.metadata, finalizers } }));
  }

  async removeAnnotation(account: BillingAccount, name: string): Promise<BillingAccount> {
    return this.#write(account, (current) => {
      const { [name]: _, ...annotations } = current.metadata.annotations ?? {};
      return { ...current, metadata: { ...current.metadata, annotations } };
    });
  }

  #write(account: BillingAccount, change: (current: BillingAccount) => BillingAccount): BillingAccount {
    const hook = this.beforeWrite;
    this.beforeWrite = () => {};
    hook();
    const current = this.accounts.get(keyOf(account));
    if (current === undefined || current.metadata.resourceVersion !== account.metadata.resourceVersion)
      throw new TryAgain("conflict");
    const next = change(current);
    const written = { ...next, metadata: { ...next.metadata, resourceVersion: this.#next() } };
    this.writes += 1;
    this.#storeOrRemove(written);
    return written;
  }

  #storeOrRemove(account: BillingAccount): void {
    const { deletionTimestamp, finalizers = [] } = account.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.accounts.remove(account);
    else this.accounts.apply(account);
  }

  #meta(meta: ObjectMeta, generation: number): ObjectMeta {
    return {
      uid: `uid-${meta.namespace ?? ""}-${meta.name}-${this.#version}`,
      ...meta,
      generation,
      resourceVersion: this.#next(),
    };
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }
}

function holderIn(namespace: string) {
  return { namespace, name: "domain", uid: `holder-${namespace}` };
}
