import { API_VERSION } from "../../src/api/v1/group.ts";

export type KindName = "CustomDomain" | "CustomDomainClass" | "BillingAccount" | "DomainClaim" | "CustomDomainRoute";

/** Values by dotted path, to be set in an object; undefined removes. */
export type Changes = Readonly<Record<string, unknown>>;

/** A mistake, what the user must be told, and what is accepted when the advice is followed. */
export interface RefusalCase {
  readonly kind: KindName;
  /** Where the API server says that the mistake is. */
  readonly field: string;
  readonly says: string;
  readonly bad: Changes;
  readonly good: Changes;
  /** For rules about changes: what is stored before. */
  readonly before?: Changes;
}

export interface TestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

export const NAMESPACE = "default";
export const ZONE = "7c5dae5552338874e5053f2534d2767a";
export const NOW = "2026-11-22T10:00:00Z";

const specs: Readonly<Record<KindName, Readonly<Record<string, unknown>>>> = {
  CustomDomain: { domain: "shop.lindqvistkeramik.se" },
  CustomDomainClass: {
    cloudflare: { zoneID: ZONE, apiTokenSecretRef: { name: "cloudflare", key: "token" } },
    dns: { target: "shops.storelane.app" },
    ownership: { issuer: "storelane-production" },
    check: { signingKeySecretRef: { name: "domain-check", key: "signingKey" } },
  },
  BillingAccount: { subscriptionID: "lindqvist-keramik-2024" },
  DomainClaim: {
    state: "Pending",
    domain: "shop.lindqvistkeramik.se",
    tenant: "lindqvist",
    id: "2c8a4d6f-0f3e-4c55-8a1c-7d7c0a3f1b52",
    className: "storefronts",
    holder: { namespace: "lindqvist", name: "shop", uid: "0f4a1c9e-32c5-4a35-a1ab-3f7a2f3d9b11" },
    createdTime: NOW,
  },
  CustomDomainRoute: { domainRef: { name: "shop" }, backendRef: { name: "storefront", port: 8080 } },
};

const namespaced: ReadonlySet<KindName> = new Set<KindName>(["CustomDomain", "BillingAccount", "CustomDomainRoute"]);

/** The smallest object that is accepted: nothing in it has a default. */
export function minimal(kind: KindName, name: string): TestObject {
  const metadata = namespaced.has(kind) ? { name, namespace: NAMESPACE } : { name };
  const spec = kind === "DomainClaim" ? { ...specs.DomainClaim, domain: name } : specs[kind];
  return { apiVersion: API_VERSION, kind, metadata, spec };
}

export function withChanges<T extends object>(object: T, changes: Changes): T {
  const copy = structuredClone(object);
  for (const [path, value] of Object.entries(changes)) put(copy, path.split("."), structuredClone(value));
  return copy;
}

function put(target: object, [name, ...rest]: readonly string[], value: unknown): void {
  if (name === undefined) return;
  if (rest.length === 0) {
    Reflect.set(target, name, value);
    return;
  }
  const inner: unknown = Reflect.get(target, name);
  const next = typeof inner === "object" && inner !== null ? inner : {};
  Reflect.set(target, name, next);
  put(next, rest, value);
}

/** Writes the cases of one kind. */
export function casesOf(kind: KindName) {
  return {
    wrong: (field: string, bad: unknown, good: unknown, says: string): RefusalCase => ({
      kind,
      field,
      says,
      bad: { [field]: bad },
      good: { [field]: good },
    }),
    wrongItem: (list: string, bad: unknown, good: unknown, says: string): RefusalCase => ({
      kind,
      field: `${list}[0]`,
      says,
      bad: { [list]: [bad] },
      good: { [list]: [good] },
    }),
    together: (field: string, bad: Changes, good: Changes, says: string): RefusalCase => ({ kind, field, says, bad, good }),
    changed: (field: string, from: unknown, to: unknown, same: unknown, says: string): RefusalCase => ({
      kind,
      field,
      says,
      before: { [field]: from },
      bad: { [field]: to },
      good: { [field]: same },
    }),
  };
}

export const says = {
  hostname: "must be a lower-case host name without scheme, port or final dot, such as 'edge.example.net'",
  objectName: "must be the name of a Kubernetes object: lower-case letters, digits, '-' and '.'",
  secretKey: "must be a key of a Secret: letters, digits, '-', '_' and '.'",
  chargebeeID: "must be a Chargebee id: at most 50 letters, digits, '_', '-', '.' and '~', not beginning with '.' or '~'",
  ciphersWith13: "must not have ciphers together with minTLSVersion '1.3': TLS 1.3 chooses its own; remove one of the two",
  cipher: "must be a BoringSSL cipher name, such as 'ECDHE-RSA-AES128-GCM-SHA256'",
  url: "must be an http or https URL without user, query, fragment or final '/', such as 'https://api.cloudflare.com/client/v4'",
  cidr: "must be an address block such as '198.51.100.0/24' or '2001:db8::/32'",
} as const;

/** A status whose only condition is as given. */
export function condition(changes: Changes): Changes {
  const valid = { type: "Ready", status: "True", lastTransitionTime: NOW, reason: "Live", message: "" };
  return { "status.conditions": [withChanges(valid, changes)] };
}

export function conditionCases(kind: KindName): readonly RefusalCase[] {
  return [
    {
      kind,
      field: "status.conditions[0].type",
      says: "must be a CamelCase condition type",
      bad: condition({ type: "is ready" }),
      good: condition({ type: "Ready" }),
    },
    {
      kind,
      field: "status.conditions[0].reason",
      says: "must be a CamelCase reason",
      bad: condition({ reason: "not yet" }),
      good: condition({ reason: "RecordMissing" }),
    },
  ];
}
