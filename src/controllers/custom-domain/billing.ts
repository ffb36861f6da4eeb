import type { CustomHostname } from "../../cloudflare/row.ts";
import { type Finding, findCondition } from "../../core/conditions.ts";
import { billingCondition, mayProvision } from "../billing-account/domain-billing.ts";
import type { Ledger } from "../ledger.ts";
import type { Pass } from "./context.ts";

/** Billing rule 11: without an account nothing NEW is provisioned beyond the free quantity; what exists goes on. */
export function isBillable({ claim, claimant, admission }: Pass, ledger: Ledger): boolean {
  if (claim.spec.rows.length > 0) return true;
  const key = `${claimant.namespace}/${claimant.className}`;
  const count = ledger.claims.store.byIndex("account", key).filter(({ spec }) => spec.rows.length > 0).length;
  return mayProvision(admission.class.spec.billing, ledger.accounts.get(key), count);
}

/** BillingSynced of a domain: covered once the account synced after its row was created. */
export function billingFinding(pass: Pass, row: CustomHostname | undefined, ledger?: Ledger): Finding {
  const { admission, claimant, claim, domain } = pass;
  const account = (ledger ?? pass.proved.ledger).accounts.get(`${claimant.namespace}/${claimant.className}`);
  const counted = claim.spec.holder?.uid === claimant.uid && claim.spec.rows.length > 0;
  const created = [claim.spec.createdTime, row?.createdAt ?? ""].sort().at(-1);
  return billingCondition({
    billing: admission.class.spec.billing,
    className: claimant.className,
    namespace: claimant.namespace,
    account,
    claimCreatedTime: counted ? created : undefined,
    previous: findCondition(domain.status?.conditions, "BillingSynced")?.status,
  });
}
