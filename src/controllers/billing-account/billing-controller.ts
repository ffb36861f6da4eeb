import type { EventRecorder } from "../../kube/events.ts";
import type { ObjectKey } from "../../kube/objects.ts";
import type { SecretReader } from "../../kube/secrets.ts";
import type { Clock } from "../../runtime/clock.ts";
import { KeyedLock } from "../../runtime/keyed-lock.ts";
import { AccessResolver } from "./account-access.ts";
import { AccountDeletion } from "./account-deletion.ts";
import { BillingAccountReconciler } from "./billing-account-reconciler.ts";
import { BillingTriggers } from "./billing-triggers.ts";
import { Catalogue } from "./catalogue.ts";
import { LineRelease } from "./line-release.ts";
import { LineSync } from "./line-sync.ts";
import { LineWriter } from "./line-writer.ts";
import { BillingMemory } from "./memory.ts";
import type { AccountWriter, BillingSources, SiteDirectory } from "./ports.ts";
import { SubscriptionReader } from "./subscription-reader.ts";

export interface BillingControllerOptions {
  readonly sources: BillingSources;
  readonly writer: AccountWriter;
  readonly secrets: SecretReader;
  readonly sites: SiteDirectory;
  readonly events: EventRecorder;
  readonly clock: Clock;
  /** Queues an account at low priority: a resync has read its subscription along with another's. */
  readonly enqueue: (key: ObjectKey) => void;
}

export interface BillingController {
  readonly reconciler: BillingAccountReconciler;
  readonly triggers: BillingTriggers;
}

/** Puts the billing controller together. */
export function createBillingController(options: BillingControllerOptions): BillingController {
  const { sources, writer, secrets, sites, events, clock, enqueue } = options;
  const memory = new BillingMemory();
  const catalogue = new Catalogue(clock);
  const lines = new LineWriter({ catalogue, clock });
  const reader = new SubscriptionReader({ clock, memory, enqueue });
  const release = new LineRelease({ writer, reader, lines, clock });
  const reconciler = new BillingAccountReconciler({
    sources,
    writer,
    access: new AccessResolver({ sources, secrets, sites }),
    sync: new LineSync({ sources, writer, reader, catalogue, lines, memory, events, clock }),
    release,
    deletion: new AccountDeletion({ writer, release, events }),
    memory,
    locks: new KeyedLock(),
    clock,
  });
  return { reconciler, triggers: new BillingTriggers({ sources, memory, clock }) };
}
