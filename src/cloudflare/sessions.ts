import type { Dispatcher } from "undici";
import type { CloudflareSettings } from "../api/v1/cloudflare-settings.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Timers } from "../runtime/timers.ts";
import type { CloudflareApi } from "./api.ts";
import { RequestBudget } from "./budget.ts";
import { CloudflareClient } from "./client.ts";
import { FailureGate } from "./failure-gate.ts";
import { type CallContext, GuardedApi } from "./guarded-api.ts";
import type { MutationLog } from "./mutation-log.ts";
import { ZoneSnapshot } from "./zone-snapshot.ts";

/** The settings of a class that decide how its zone is talked to. */
export type ZoneSettings = Pick<
  CloudflareSettings,
  "zoneID" | "apiTokenSecretRef" | "apiURL" | "requestsPer5Minutes" | "createsPerMinute" | "pageSize" | "snapshotSeconds"
>;

export interface CloudflareSessionsOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly dispatcher: Dispatcher;
  readonly log: MutationLog;
  readonly assertMayWrite: () => void;
  /** The snapshot of a zone shows something new for this hostname. */
  readonly onChange: (hostname: string) => void;
  /** A snapshot could not be read; the classes that use it are named. */
  readonly onSnapshotFailure: (classNames: readonly string[], error: unknown) => void;
  /** Milliseconds per call. */
  readonly timeoutMs?: number;
}

/** A class's access to its zone. Classes of the same credential share the budget, and of the same zone the snapshot. */
export interface ZoneSession {
  readonly zoneID: string;
  readonly snapshot: ZoneSnapshot;
  readonly budget: RequestBudget;
  /** One per reconcile: it remembers what it has seen. */
  api(context: CallContext): CloudflareApi;
}

interface Credential {
  readonly budget: RequestBudget;
  token: string;
  client: CloudflareApi;
}

interface Zone {
  readonly credential: Credential;
  readonly session: ZoneSession;
  readonly snapshot: ZoneSnapshot;
  readonly stop: AbortController;
  readonly finished: Promise<void>;
  gate: FailureGate;
}

/** Who uses which zone with which settings. */
interface User {
  readonly settings: ZoneSettings;
  readonly credentialKey: string;
  readonly zoneKey: string;
}

/** The registry of credentials and zones. Where classes that share one differ in a limit, the smallest counts. */
export class CloudflareSessions {
  readonly #options: CloudflareSessionsOptions;
  readonly #credentials = new Map<string, Credential>();
  readonly #zones = new Map<string, Zone>();
  readonly #users = new Map<string, User>();

  constructor(options: CloudflareSessionsOptions) {
    this.#options = options;
  }

  /**
   * To be called with the current settings and token before each use: without a change it costs nothing. A new token takes effect
   * at once and forgets old refusals.
   */
  open(className: string, settings: ZoneSettings, token: string): ZoneSession {
    const credentialKey = JSON.stringify([settings.apiURL, settings.apiTokenSecretRef.name, settings.apiTokenSecretRef.key]);
    const zoneKey = JSON.stringify([credentialKey, settings.zoneID]);
    const previous = this.#users.get(className);
    this.#users.set(className, { settings, credentialKey, zoneKey });
    if (previous !== undefined) this.#dropUnused(previous);
    const credential = this.#credential(credentialKey, settings, token);
    const zone = this.#zones.get(zoneKey) ?? this.#startZone(zoneKey, settings, credential);
    this.#applyLimits(credentialKey, zoneKey);
    return zone.session;
  }

  /** What {@link open} returned last for the class. */
  get(className: string): ZoneSession | undefined {
    const user = this.#users.get(className);
    return user === undefined ? undefined : this.#zones.get(user.zoneKey)?.session;
  }

  /** The class is gone, or has no usable Secret any more. */
  close(className: string): void {
    const user = this.#users.get(className);
    this.#users.delete(className);
    if (user !== undefined) this.#dropUnused(user);
  }

  /** Ends all snapshots and waits for them. */
  async closeAll(): Promise<void> {
    const finished = [...this.#zones.values()].map((zone) => zone.finished);
    for (const className of [...this.#users.keys()]) this.close(className);
    await Promise.all(finished);
  }

  #credential(key: string, settings: ZoneSettings, rawToken: string): Credential {
    const token = rawToken.trim();
    const known = this.#credentials.get(key);
    if (known?.token === token) return known;
    if (known !== undefined) {
      known.token = token;
      known.client = this.#client(settings.apiURL, token, known.budget);
      for (const zone of this.#zones.values()) {
        if (zone.credential !== known) continue;
        zone.gate = new FailureGate(this.#options.clock);
        zone.snapshot.retryNow();
      }
      return known;
    }
    const { clock, timers } = this.#options;
    const budget = new RequestBudget({ clock, timers, limits: settings });
    const credential = { budget, token, client: this.#client(settings.apiURL, token, budget) };
    this.#credentials.set(key, credential);
    return credential;
  }

  #client(apiURL: string, apiToken: string, budget: RequestBudget): CloudflareApi {
    const { dispatcher, timeoutMs } = this.#options;
    return new CloudflareClient({
      apiURL,
      apiToken,
      dispatcher,
      onRateLimit: (limit) => budget.onRateLimit(limit),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  #startZone(key: string, settings: ZoneSettings, credential: Credential): Zone {
    const { clock, timers, onChange, onSnapshotFailure } = this.#options;
    const snapshot: ZoneSnapshot = new ZoneSnapshot({
      zoneID: settings.zoneID,
      clock,
      timers,
      settings,
      api: () => this.#guarded(zone, { subject: "ZoneSnapshot", why: "snapshot", hostnames: [], priority: "snapshot" }, false),
      onChange,
      onFailure: (error) => onSnapshotFailure(this.#classesOf(key), error),
    });
    const session: ZoneSession = {
      zoneID: settings.zoneID,
      snapshot,
      budget: credential.budget,
      api: (context) => this.#guarded(zone, context, true),
    };
    const stop = new AbortController();
    const zone: Zone = { credential, session, snapshot, stop, finished: snapshot.run(stop.signal), gate: new FailureGate(clock) };
    this.#zones.set(key, zone);
    return zone;
  }

  /** The snapshot merges what it reads itself; everybody else's answers are passed on to it. */
  #guarded(zone: Zone, context: CallContext, passOn: boolean): CloudflareApi {
    const { clock, log, assertMayWrite } = this.#options;
    const { credential, gate, snapshot } = zone;
    return new GuardedApi({
      api: credential.client,
      budget: credential.budget,
      gate,
      log,
      clock,
      assertMayWrite,
      context,
      onRow: (row) => {
        if (passOn) snapshot.observe(row);
      },
      onGone: (id) => {
        if (passOn) snapshot.forget(id);
      },
    });
  }

  #classesOf(zoneKey: string): string[] {
    return [...this.#users].filter(([, user]) => user.zoneKey === zoneKey).map(([className]) => className);
  }

  #applyLimits(credentialKey: string, zoneKey: string): void {
    const sameCredential = this.#settingsWhere((user) => user.credentialKey === credentialKey);
    const sameZone = this.#settingsWhere((user) => user.zoneKey === zoneKey);
    const requestsPer5Minutes = smallest(sameCredential, "requestsPer5Minutes");
    const createsPerMinute = smallest(sameCredential, "createsPerMinute");
    this.#credentials.get(credentialKey)?.budget.setLimits({ requestsPer5Minutes, createsPerMinute });
    this.#zones.get(zoneKey)?.snapshot.setSettings({
      requestsPer5Minutes,
      pageSize: smallest(sameZone, "pageSize"),
      snapshotSeconds: smallest(sameZone, "snapshotSeconds"),
    });
  }

  #settingsWhere(test: (user: User) => boolean): ZoneSettings[] {
    return [...this.#users.values()].filter(test).map((user) => user.settings);
  }

  #dropUnused({ credentialKey, zoneKey }: User): void {
    const users = [...this.#users.values()];
    if (!users.some((user) => user.zoneKey === zoneKey)) {
      this.#zones.get(zoneKey)?.stop.abort();
      this.#zones.delete(zoneKey);
    }
    if (!users.some((user) => user.credentialKey === credentialKey)) this.#credentials.delete(credentialKey);
  }
}

type Limit = "requestsPer5Minutes" | "createsPerMinute" | "pageSize" | "snapshotSeconds";

function smallest(all: readonly ZoneSettings[], limit: Limit): number {
  return Math.min(...all.map((settings) => settings[limit]));
}
