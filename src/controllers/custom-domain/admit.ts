import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import type { Reason } from "../../api/v1/reasons.ts";
import {
  canonicalName,
  type HostnameFacts,
  heldName,
  mayStandFor,
  type NamePolicy,
  registrableDomainOf,
  wwwTwinOf,
} from "../../core/hostname.ts";
import { keyOf } from "../../kube/objects.ts";
import { type Ledger, tenantOf } from "../ledger.ts";
import { hasOwner } from "../row-ownership.ts";
import { selects } from "./label-selector.ts";
import { refusedSetting } from "./wanted.ts";

export type Admission =
  | {
      readonly kind: "admitted";
      readonly class: CustomDomainClass;
      readonly names: HostnameFacts;
      /** What the spec asks for and cannot have. The claim goes on as it is: its proof, its grace and its visitors. */
      readonly stalled?: { readonly reason: Reason; readonly message: string };
    }
  /** `stalled`: only an edit of this object helps; otherwise it heals when something else changes. */
  | { readonly kind: "refused"; readonly reason: Reason; readonly message: string; readonly stalled: boolean };

/**
 * Which class serves the domain, what its canonical name is, and whether policy lets it in. Names and classes that a claim has
 * pinned are not decided again: a later change of policy, or of the lists of names, never takes a live domain down.
 * @throws TryAgain while the namespace is not known, and with it whose the domain is
 */
export function admit(domain: CustomDomain, ledger: Ledger): Admission {
  const tenant = tenantOf(ledger, domain.metadata.namespace ?? "");
  const pinned = pinnedClaim(domain, tenant, ledger);
  const chosen = chooseClass(domain, pinned, ledger);
  if (chosen.kind === "refused") return chosen;
  const { class: found } = chosen;
  if (pinned !== undefined) {
    // Where there is a row, what it has already is not missed: see provision.ts.
    const stalled = chosen.stalled ?? (pinned.spec.rows.length === 0 ? refusedSetting(domain, found) : undefined);
    const names = heldNames(domain, pinned, found, ledger);
    return { kind: "admitted", class: found, names, ...(stalled === undefined ? {} : { stalled }) };
  }
  const result = canonicalName(domain.spec.domain, namePolicy(found, ledger));
  if (!result.ok) return { kind: "refused", reason: result.reason, message: result.message, stalled: true };
  const { ok: _, ...facts } = result;
  const names = { ...facts, wwwTwin: pairs(domain, facts.wwwTwin, ledger) };
  return policyProblem(domain, found, ledger) ?? { kind: "admitted", class: found, names };
}

/**
 * The claim that the domain holds, or that rule 2 lets it have back: a restored or re-created object is what its predecessor of the
 * same name, tenant and domain was, before anybody asks what is allowed today.
 */
function pinnedClaim(domain: CustomDomain, tenant: string, ledger: Ledger): DomainClaim | undefined {
  const held = ledger.claims.store.byIndex("holder", keyOf(domain));
  return (
    held.find(({ spec }) => spec.holder?.uid === domain.metadata.uid) ?? held.find((claim) => mayRebind(domain, tenant, claim))
  );
}

/** Claims rule 2, for an object whose key is the holder's and whose uid is not. */
export function mayRebind(domain: CustomDomain, tenant: string, { spec }: DomainClaim): boolean {
  const held = spec.state === "Pending" || spec.state === "Proven";
  return held && spec.tenant === tenant && mayStandFor(domain.spec.domain, spec.domain);
}

type Refused = Extract<Admission, { kind: "refused" }>;
type ClassChoice =
  | {
      readonly kind: "found";
      readonly class: CustomDomainClass;
      readonly stalled?: Extract<Admission, { kind: "admitted" }>["stalled"];
    }
  | Refused;

function chooseClass(domain: CustomDomain, pinned: DomainClaim | undefined, ledger: Ledger): ClassChoice {
  const { className } = domain.spec;
  const held = pinned?.spec.className;
  if (held !== undefined) {
    const found = ledger.classes.get(held);
    if (found === undefined) {
      const message = `CustomDomainClass ${held}, which serves the domain, does not exist any more: an administrator creates it again`;
      return { kind: "refused", reason: "ClassNotFound", message, stalled: false };
    }
    if (className === undefined || className === held) return { kind: "found", class: found };
    const message = `The domain is served by class ${held}, and a class cannot be changed: set spec.className back to ${held}, or delete this CustomDomain and create it anew`;
    return { kind: "found", class: found, stalled: { reason: "ClassChangeNotSupported", message } };
  }
  if (className !== undefined) {
    const name = className;
    const found = ledger.classes.get(name);
    if (found !== undefined) return { kind: "found", class: found };
    const message = `CustomDomainClass ${name} does not exist: an administrator creates it, or spec.className names another`;
    return { kind: "refused", reason: "ClassNotFound", message, stalled: false };
  }
  const defaults = [...ledger.classes.store.list()].filter(({ spec }) => spec.default);
  const [only] = defaults;
  if (only === undefined) {
    const message =
      "No CustomDomainClass is the default: name one in spec.className, or an administrator sets default: true on one";
    return { kind: "refused", reason: "NoDefaultClass", message, stalled: false };
  }
  if (defaults.length === 1) return { kind: "found", class: only };
  const message =
    "Several CustomDomainClasses are the default: name one in spec.className, or an administrator leaves default: true on one";
  return { kind: "refused", reason: "MultipleDefaults", message, stalled: false };
}

/** A name that is held, with the www that is served already, or else the one that today's policy lets in. */
function heldNames(domain: CustomDomain, { spec }: DomainClaim, found: CustomDomainClass, ledger: Ledger): HostnameFacts {
  const facts = heldName(spec.domain);
  const twin = `www.${facts.name}`;
  const served = spec.rows.some(({ role, hostname }) => role === "Redirect" && hostname === twin);
  return { ...facts, wwwTwin: pairs(domain, served ? twin : wwwTwinOf(facts, namePolicy(found, ledger)), ledger) };
}

/** The twin, unless the spec does without it or somebody has proven that very name for itself. */
function pairs({ spec }: CustomDomain, twin: string | undefined, ledger: Ledger): string | undefined {
  return spec.wwwRedirect !== "Auto" || twin === undefined || hasOwner(ledger, twin) ? undefined : twin;
}

function namePolicy({ spec }: CustomDomainClass, ledger: Ledger): NamePolicy {
  return {
    platformDomains: platformDomains(ledger),
    reservedDomains: spec.policy.reservedDomains,
    allowedDomains: spec.policy.allowedDomains,
    foldWww: spec.dns.apex.mode !== "Unsupported",
    refuseExampleDomains: true,
  };
}

/**
 * What is the platform's own as far as the classes say so, of whichever class: the registrable domains of the targets that
 * owners point to, and of the fallback origins, which can only stand in their SaaS zone.
 */
function platformDomains(ledger: Ledger): readonly string[] {
  const names = [...ledger.classes.store.list()].flatMap(({ spec: { dns, cloudflare } }) => [
    dns.target,
    ...dns.acceptedTargets,
    ...(cloudflare.fallbackOrigin === undefined ? [] : [cloudflare.fallbackOrigin]),
  ]);
  return [...new Set(names.map((name) => registrableDomainOf(name) ?? name))];
}

function policyProblem(domain: CustomDomain, found: CustomDomainClass, ledger: Ledger): Refused | undefined {
  const { policy } = found.spec;
  const namespace = domain.metadata.namespace ?? "";
  const labels = ledger.namespaces.get(namespace)?.metadata.labels ?? {};
  if (policy.allowedNamespaces !== undefined && !selects(policy.allowedNamespaces, labels)) {
    const message = `Class ${found.metadata.name} does not serve namespace ${namespace}: use another class, or ask an administrator`;
    return { kind: "refused", reason: "NamespaceNotAllowed", message, stalled: false };
  }
  const refused = refusedSetting(domain, found);
  return refused === undefined ? undefined : { kind: "refused", ...refused, stalled: true };
}
