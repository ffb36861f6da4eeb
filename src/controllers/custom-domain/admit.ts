import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import type { LabelSelector } from "../../api/v1/policy-settings.ts";
import type { Reason } from "../../api/v1/reasons.ts";
import { type CanonicalName, canonicalName, type HostnameFacts, registrableDomainOf } from "../../core/hostname.ts";
import { keyOf } from "../../kube/objects.ts";
import type { Ledger } from "../ledger.ts";

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
 * pinned are not decided again: a later change of policy never takes a live domain down.
 */
export function admit(domain: CustomDomain, ledger: Ledger): Admission {
  const pinned = ledger.claims.store
    .byIndex("holder", keyOf(domain))
    .find(({ spec }) => spec.holder?.uid === domain.metadata.uid);
  const chosen = chooseClass(domain, pinned, ledger);
  if (chosen.kind === "refused") return chosen;
  const { class: found, stalled } = chosen;
  const named = pinned === undefined ? nameOf(domain, found) : pinnedName(domain, pinned.spec.domain, found);
  if (named.kind === "refused") return named;
  const { names } = named;
  if (pinned !== undefined) return { kind: "admitted", class: found, names, ...(stalled === undefined ? {} : { stalled }) };
  return policyProblem(domain, found, ledger) ?? { kind: "admitted", class: found, names };
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

type Naming = { readonly kind: "named"; readonly names: HostnameFacts } | Refused;

/** The facts of a name that is held: no policy of today decides about it again, nor how www was folded at the time. */
function pinnedName(domain: CustomDomain, held: string, { spec }: CustomDomainClass): Naming {
  const folds = spec.dns.apex.mode !== "Unsupported" && !held.startsWith("www.");
  const lenient = { platformDomains: [], reservedDomains: [], allowedDomains: [held], refuseExampleDomains: false };
  return named(domain, canonicalName(held, { ...lenient, foldWww: folds }));
}

function nameOf(domain: CustomDomain, { spec }: CustomDomainClass): Naming {
  const { dns, policy, cloudflare } = spec;
  const platform = [
    dns.target,
    ...dns.acceptedTargets,
    ...(cloudflare.fallbackOrigin === undefined ? [] : [cloudflare.fallbackOrigin]),
  ];
  const result = canonicalName(domain.spec.domain, {
    platformDomains: platform.map((name) => registrableDomainOf(name) ?? name),
    reservedDomains: policy.reservedDomains,
    allowedDomains: policy.allowedDomains,
    foldWww: dns.apex.mode !== "Unsupported",
    refuseExampleDomains: true,
  });
  return named(domain, result);
}

function named(domain: CustomDomain, result: CanonicalName): Naming {
  if (result.ok) return { kind: "named", names: domain.spec.wwwRedirect === "Auto" ? result : { ...result, wwwTwin: undefined } };
  return { kind: "refused", reason: "InvalidDomain", message: result.message, stalled: true };
}

function policyProblem(domain: CustomDomain, found: CustomDomainClass, ledger: Ledger): Admission | undefined {
  const { policy } = found.spec;
  const namespace = domain.metadata.namespace ?? "";
  const labels = ledger.namespaces.get(namespace)?.metadata.labels ?? {};
  if (policy.allowedNamespaces !== undefined && !selects(policy.allowedNamespaces, labels)) {
    const message = `Class ${found.metadata.name} does not serve namespace ${namespace}: use another class, or ask an administrator`;
    return { kind: "refused", reason: "NamespaceNotAllowed", message, stalled: false };
  }
  const origins = [domain.spec.origin?.server, domain.spec.origin?.sni].filter((value) => value !== undefined);
  const refused = origins.find((value) => !policy.allowedOrigins.includes(value));
  if (refused !== undefined) {
    const message = `Class ${found.metadata.name} does not allow origin ${refused}: remove it from spec.origin, or ask an administrator`;
    return { kind: "refused", reason: "OriginNotAllowed", message, stalled: true };
  }
  const fields: readonly string[] = policy.overridableSSLFields;
  const field = Object.keys(domain.spec.ssl ?? {}).find((name) => !fields.includes(name));
  if (field === undefined) return undefined;
  const message = `Class ${found.metadata.name} does not let a domain set ssl.${field}: remove it from spec.ssl, or ask an administrator`;
  return { kind: "refused", reason: "SSLFieldNotAllowed", message, stalled: true };
}

/** metav1.LabelSelector semantics. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([name, value]) => labels[name] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === "Exists") return value !== undefined;
      if (operator === "DoesNotExist") return value === undefined;
      const listed = value !== undefined && values.includes(value);
      return operator === "In" ? listed : !listed;
    })
  );
}
