import type { BillingAccount, BillingLine } from "../../api/v1/billing-account.ts";
import type { ChargebeeApi } from "../../chargebee/client.ts";
import { type LineKey, sameLine } from "../../core/billing-lines.ts";
import type { ObjectKey } from "../../kube/objects.ts";
import type { AccountSettings } from "./account-settings.ts";
import type { AccountMemory } from "./memory.ts";

/** One reconcile of one account. `account` is replaced by the answer of every write. */
export interface AccountRun {
  readonly key: ObjectKey;
  account: BillingAccount;
  readonly settings: AccountSettings;
  readonly api: ChargebeeApi;
  readonly memory: AccountMemory;
  readonly signal: AbortSignal;
}

export function journalOf(account: BillingAccount): readonly BillingLine[] {
  return account.status?.lines ?? [];
}

export function journalled(account: BillingAccount, line: LineKey): BillingLine | undefined {
  return journalOf(account).find((entry) => sameLine(entry, line));
}

/** The journal with the line's entry set to what was seen; its place is kept. */
export function withEntry(journal: readonly BillingLine[], entry: BillingLine): BillingLine[] {
  const known = journal.some((line) => sameLine(line, entry));
  return known ? journal.map((line) => (sameLine(line, entry) ? entry : line)) : [...journal, entry];
}

export function withoutEntry(journal: readonly BillingLine[], line: LineKey): BillingLine[] {
  return journal.filter((entry) => !sameLine(entry, line));
}

export function errorEpochOf(account: BillingAccount): number {
  return account.status?.errorEpoch ?? 0;
}
