import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { Timers } from "../runtime/timers.ts";
import { isAlreadyExists, isConflict } from "./api-error.ts";
import type { KubeClient } from "./client.ts";
import type { KubeObject, ResourceDefinition } from "./objects.ts";
import { compareResourceVersions } from "./resource-version.ts";
import type { Store } from "./store.ts";

export const LEASES: ResourceDefinition = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
};

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}
export type Lease = KubeObject<LeaseSpec>;

const LEASE_SECONDS = 15;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;
/** A renewal that hangs must leave time for another one. */
const ATTEMPT_MS = 5_000;

/** Asked right before each external write. */
export interface WriteGuard {
  /** @throws LeadershipLost when another replica may already act. */
  assertMayWrite(): void;
}

export class LeadershipLost extends Error {
  override readonly name = "LeadershipLost";
}

/**
 * Leader election on a Lease, with client-go's 15/10/2 seconds and rules: another holder's lease is judged by how long WE saw
 * it unchanged, never by its timestamps. It does not fence: {@link assertMayWrite} refuses external writes once the last
 * renewal is older than the renew deadline on the monotonic clock, which also covers a blocked event loop. A lapse is final:
 * another replica may have led and stopped since, so this one must begin anew.
 *
 * A standby asks every two seconds. Where it also watches the Lease (`seen`), it takes over the moment the leader releases it or
 * has let it run out; a watch that says nothing costs only that.
 */
export class LeaseElector implements WriteGuard {
  readonly #client: KubeClient;
  readonly #key: string;
  readonly #namespace: string;
  readonly #name: string;
  readonly #identity: string;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #clock: Clock = systemClock;
  readonly #timers = new Timers(systemClock);
  /** Monotonic time at which the request of the last successful renewal was SENT. */
  #renewedAt: number | undefined;
  #observed: { readonly version: string; readonly expiresAt: number } | undefined;
  #lease: Lease | undefined;
  /** Ends the wait of {@link acquire}. */
  #wake: () => void = () => {};

  constructor(options: {
    client: KubeClient;
    namespace: string;
    name: string;
    identity: string;
    logger: Logger;
    metrics: Metrics;
    /** Filled by a watch of this one Lease. */
    seen?: Store<Lease>;
  }) {
    this.#client = options.client;
    this.#namespace = options.namespace;
    this.#name = options.name;
    this.#key = `${options.namespace}/${options.name}`;
    this.#identity = options.identity;
    this.#log = options.logger.child({ lease: this.#key });
    this.#metrics = options.metrics;
    this.#metrics.leader(this.#name, false);
    options.seen?.onChange(({ after }) => {
      if (after !== undefined) this.#observe(after);
      if ((after?.spec?.holderIdentity ?? "") === "") this.#wake();
    });
  }

  assertMayWrite(): void {
    if (this.#renewedAt === undefined || this.#clock.monotonic() - this.#renewedAt >= RENEW_DEADLINE_MS) {
      throw new LeadershipLost("the Lease was not renewed in time: another replica may be the leader");
    }
  }

  /** Resolves once this process holds the Lease; rejects only by the signal. */
  async acquire(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (await this.#attempt(signal)) break;
      await this.#untilWorthTrying(signal);
    }
    this.#log.info("leading");
    this.#metrics.leader(this.#name, true);
  }

  /** Renews until aborted (resolves) or until the Lease could not be renewed in time (rejects with LeadershipLost). */
  async keep(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#timers.sleep(RETRY_MS, signal).catch(() => {});
        if (signal.aborted) return;
        this.assertMayWrite();
        await this.#attempt(signal);
        if (signal.aborted) return;
        this.assertMayWrite();
      }
    } catch (error) {
      this.#renewedAt = undefined;
      this.#metrics.leader(this.#name, false);
      throw error;
    }
  }

  /** Gives the Lease up at once, so that a standby need not wait for it to run out. */
  async release(): Promise<void> {
    const lease = this.#lease;
    if (this.#renewedAt === undefined || lease?.spec?.holderIdentity !== this.#identity) return;
    this.#renewedAt = undefined;
    this.#metrics.leader(this.#name, false);
    const now = microTime(this.#clock.now());
    const spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    const bounded = AbortSignal.timeout(ATTEMPT_MS);
    await this.#client
      .replace(LEASES, { ...lease, spec }, bounded)
      .catch((error) => this.#log.warn({ err: error }, "could not release"));
  }

  /** Until the Lease may have become free; two seconds at most. */
  async #untilWorthTrying(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const leftMs = (this.#observed?.expiresAt ?? 0) - this.#clock.monotonic();
    // What ran out and could not be taken is asked for at the usual pace.
    const waitMs = leftMs > 0 ? Math.min(RETRY_MS, leftMs + 1) : RETRY_MS;
    await this.#timers.sleep(waitMs, AbortSignal.any([signal, woken.signal])).catch(() => {});
    this.#wake = () => {};
    signal.throwIfAborted();
  }

  async #attempt(signal: AbortSignal): Promise<boolean> {
    const sentAt = this.#clock.monotonic();
    const leftMs = RENEW_DEADLINE_MS - (sentAt - (this.#renewedAt ?? sentAt));
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(Math.max(0, Math.min(ATTEMPT_MS, leftMs))))]);
    try {
      const held = await this.#tryHold(bounded);
      if (held) this.#renewedAt = sentAt;
      else this.#renewedAt = undefined;
      return held;
    } catch (error) {
      if (signal.aborted) return false;
      if (!isConflict(error) && !isAlreadyExists(error)) this.#log.warn({ err: error }, "could not renew");
      return false;
    }
  }

  async #tryHold(signal: AbortSignal): Promise<boolean> {
    const now = microTime(this.#clock.now());
    const lease = await this.#client.get<Lease>(LEASES, this.#key, signal);
    if (lease === undefined) {
      const spec = {
        holderIdentity: this.#identity,
        leaseDurationSeconds: LEASE_SECONDS,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: 0,
      };
      const metadata = { name: this.#name, namespace: this.#namespace };
      this.#lease = await this.#client.create<Lease>(
        LEASES,
        { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec },
        signal,
      );
      return true;
    }
    const holder = lease.spec?.holderIdentity ?? "";
    if (holder !== "" && holder !== this.#identity && !this.#expired(lease)) return false;
    const taken = holder !== this.#identity;
    const spec = {
      ...lease.spec,
      holderIdentity: this.#identity,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: now,
      ...(taken ? { acquireTime: now, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 } : {}),
    };
    this.#lease = await this.#client.replace<Lease>(LEASES, { ...lease, spec }, signal);
    return true;
  }

  #expired(lease: Lease): boolean {
    return this.#clock.monotonic() > this.#observe(lease);
  }

  /** When the lease runs out on our clock, if this version of it stays the last: counted from when we first saw it. */
  #observe(lease: Lease): number {
    const version = lease.metadata.resourceVersion ?? "";
    if (this.#observed === undefined || compareResourceVersions(version, this.#observed.version) > 0) {
      const lastsMs = (lease.spec?.leaseDurationSeconds ?? LEASE_SECONDS) * 1_000;
      this.#observed = { version, expiresAt: this.#clock.monotonic() + lastsMs };
    }
    return this.#observed.expiresAt;
  }
}

/** metav1.MicroTime: RFC 3339 with six digits. */
export function microTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replace("Z", "000Z");
}
