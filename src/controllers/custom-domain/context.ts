import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainStatus } from "../../api/v1/custom-domain-status.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import type { Claimant } from "../../core/claim-spec.ts";
import type { EventRecorder } from "../../kube/events.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { KeyedLock } from "../../runtime/keyed-lock.ts";
import type { ReleaseProgress } from "../domain-claim/progress.ts";
import type { Ledger } from "../ledger.ts";
import type { Providers } from "../providers.ts";
import type { Admission } from "./admit.ts";
import type { CheckDependencies } from "./check.ts";
import type { CheckTimes, Due } from "./due.ts";
import type { ProveContext } from "./prove.ts";
import type { RefusalMemory } from "./refusal-memory.ts";

/** What every step of a reconcile works with. */
export interface CustomDomainContext {
  readonly ledger: Ledger;
  readonly providers: Providers;
  readonly locks: KeyedLock;
  readonly progress: ReleaseProgress;
  readonly events: EventRecorder;
  readonly check: CheckDependencies;
  readonly clock: Clock;
}

/** What one reconcile has established before it serves the domain. */
export interface Pass {
  readonly domain: CustomDomain;
  readonly id: string;
  readonly admission: Extract<Admission, { kind: "admitted" }>;
  readonly claimant: Claimant;
  readonly claim: DomainClaim;
  readonly proved: ProveContext;
  readonly due: Due;
  /** The times of the last checks. */
  readonly since: CheckTimes | undefined;
  readonly refusals: RefusalMemory;
}

export interface Served {
  readonly status: CustomDomainStatus;
  readonly nextAt: number;
  /** Set when a check was made. */
  readonly checkedAt: number | undefined;
  /** Something is in flight that is worth a look before the next check. */
  readonly soonerMs: number;
}
