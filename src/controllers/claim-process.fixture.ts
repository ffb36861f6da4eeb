import { randomBytes } from "node:crypto";
import type { Agent } from "undici";
import { CloudflareSessions } from "../cloudflare/sessions.ts";
import { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/objects.ts";
import type { SecretValue } from "../kube/secrets.ts";
import type { KubeTransport } from "../kube/transport.ts";
import type { Clock } from "../runtime/clock.ts";
import { KeyedLock } from "../runtime/keyed-lock.ts";
import { createLogger } from "../runtime/logger.ts";
import { Timers } from "../runtime/timers.ts";
import { CustomDomainReconciler } from "./custom-domain/reconciler.ts";
import { ReleaseProgress } from "./domain-claim/progress.ts";
import { DomainClaimReconciler } from "./domain-claim/reconciler.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import type { MemoryAPI } from "./memory-api.fixture.ts";
import { Providers } from "./providers.ts";

/** What dies with the process. */
export interface Process {
  readonly ledger: Ledger;
  readonly domains: CustomDomainReconciler;
  readonly claims: DomainClaimReconciler;
  readonly sessions: CloudflareSessions;
}

export interface ProcessSurroundings {
  readonly api: MemoryAPI;
  readonly clock: Clock;
  readonly dispatcher: Agent;
  readonly transport: KubeTransport;
  readonly namespaces: Iterable<KubeObject>;
  /** The key of any Secret. */
  readonly read: (key: string) => SecretValue;
  readonly onCloudflareWrite: () => void;
  readonly onEvent: (reason: string) => void;
}

/** The two controllers as the operator puts them together, with caches that are filled from what is stored. */
export function bootProcess(surroundings: ProcessSurroundings): Process {
  const { api, clock, dispatcher, transport, namespaces, read, onCloudflareWrite, onEvent } = surroundings;
  const ledger = createLedger(new KubeClient(transport));
  for (const [plural, collection] of kindsOf(ledger)) collection.store.replace(api.list(plural) as never, api.version);
  ledger.namespaces.store.replace(namespaces, "1");
  const sessions = new CloudflareSessions({
    clock,
    timers: new Timers(clock),
    dispatcher,
    assertMayWrite: () => {
      if (api.closed) throw new Error("the process is dead");
    },
    log: { record: onCloudflareWrite },
    onChange: () => {},
    onSnapshotFailure: () => {},
  });
  const secrets = { read: ({ key }: { readonly key: string }) => read(key) };
  const providers = new Providers({ ledger, secrets, sessions });
  const locks = new KeyedLock();
  const progress = new ReleaseProgress();
  const events = { event: (_: unknown, __: string, reason: string) => onEvent(reason) };
  const check = { clock, randomBytes: (size: number) => randomBytes(size), systemResolvers: () => [], deniedCIDRs: [], secrets };
  const logger = createLogger({ level: "silent" });
  return {
    ledger,
    sessions,
    domains: new CustomDomainReconciler({ ledger, providers, locks, progress, events, check, clock }),
    claims: new DomainClaimReconciler({ ledger, providers, locks, progress, clock, logger }),
  };
}

/** The caches of our group that controllers decide from. */
export function kindsOf({ domains, claims, classes }: Ledger) {
  return new Map<string, Ledger["domains"] | Ledger["claims"] | Ledger["classes"]>([
    ["customdomains", domains],
    ["domainclaims", claims],
    ["customdomainclasses", classes],
  ]);
}
