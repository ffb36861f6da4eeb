import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import { FINALIZER, LABEL_ID } from "../../api/v1/group.ts";
import { keyOf } from "../../kube/objects.ts";
import { holderKey, type Ledger } from "../ledger.ts";

const ID_SHAPE = /^[0-9A-Za-z]([-0-9A-Za-z_.]{0,61}[0-9A-Za-z])?$/;

/**
 * The domain's stable id: the claim's, else the one in status, else a label that nobody else uses, else the uid. A tenant can
 * write the label, so it only ever chooses an id at the beginning.
 */
export function stableID(domain: CustomDomain, ledger: Ledger): string {
  const key = keyOf(domain);
  const claimed = ledger.claims.store.byIndex("holder", key).find(({ spec }) => spec.holder?.uid === domain.metadata.uid)
    ?.spec.id;
  const known = claimed ?? domain.status?.id;
  if (known !== undefined) return known;
  const label = domain.metadata.labels?.[LABEL_ID] ?? "";
  return ID_SHAPE.test(label) && isUnused(label, domain, ledger) ? label : (domain.metadata.uid ?? "");
}

function isUnused(id: string, domain: CustomDomain, ledger: Ledger): boolean {
  if (ledger.claims.store.byIndex("id", id).some((claim) => holderKey(claim) !== keyOf(domain))) return false;
  const others = ledger.domains.store.byIndex("id", id).filter(({ metadata }) => metadata.uid !== domain.metadata.uid);
  // Of two new objects with one label the older keeps it.
  return others.every((other) => other.status?.id !== id && isOlder(domain, other));
}

function isOlder(a: CustomDomain, b: CustomDomain): boolean {
  const [first, second] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  return first === second ? (a.metadata.uid ?? "") < (b.metadata.uid ?? "") : first < second;
}

/**
 * Sets the finalizer and the id label in one guarded write, where they are missing. The finalizer is there before anything is
 * claimed or created, so that nothing can be left behind by an orderly deletion.
 */
export async function ensureMetadata(domain: CustomDomain, ledger: Ledger, signal: AbortSignal): Promise<CustomDomain> {
  const id = stableID(domain, ledger);
  const finalizers = domain.metadata.finalizers ?? [];
  if (finalizers.includes(FINALIZER) && domain.metadata.labels?.[LABEL_ID] === id) return domain;
  if (finalizers.includes(FINALIZER)) return ledger.domains.patchMetadata(domain, { labels: { [LABEL_ID]: id } }, signal);
  // A PUT costs the API server a sixth less than a patch. The cached copy is whole until the finalizer is there (projections.ts).
  const labels = { ...domain.metadata.labels, [LABEL_ID]: id };
  const metadata = { ...domain.metadata, finalizers: [...finalizers, FINALIZER], labels };
  return ledger.domains.replace({ ...domain, metadata }, signal);
}

export async function removeFinalizer(domain: CustomDomain, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const finalizers = (domain.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
  await ledger.domains.patchMetadata(domain, { finalizers }, signal);
}
