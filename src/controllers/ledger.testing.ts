import type { CustomDomain } from "../api/v1/custom-domain.ts";
import { customDomainSpecSchema } from "../api/v1/custom-domain.ts";
import { type CustomDomainClassSpec, customDomainClassSpecSchema } from "../api/v1/custom-domain-class.ts";
import type { DomainClaimSpec } from "../api/v1/domain-claim.ts";
import { API_VERSION } from "../api/v1/group.ts";
import { KubeClient } from "../kube/client.ts";
import type { ObjectMeta } from "../kube/objects.ts";
import { KubeTransport } from "../kube/transport.ts";
import { createLogger } from "../runtime/logger.ts";
import { Metrics } from "../runtime/metrics.ts";
import { createLedger, type Ledger } from "./ledger.ts";

type Changes = { readonly [Section in keyof CustomDomainClassSpec]?: unknown };

/** Caches that a test fills by hand. Nothing behind them answers: what is decided from caches must not ask. */
export class LedgerOnPaper {
  readonly ledger: Ledger;
  #version = 0;

  constructor() {
    const source = { load: () => Promise.reject(new Error("there is no API server")) };
    const logger = createLogger({ level: "silent" });
    this.ledger = createLedger(new KubeClient(new KubeTransport({ source, userAgent: "test", metrics: new Metrics(), logger })));
  }

  namespace(name: string, labels: Readonly<Record<string, string>> = {}): void {
    this.ledger.namespaces.store.apply({ apiVersion: "v1", kind: "Namespace", metadata: this.#meta({ name, labels }) });
  }

  class(name: string, changes: Changes = {}): void {
    const spec = customDomainClassSpecSchema.parse({
      cloudflare: { zoneID: "0".repeat(32), apiTokenSecretRef: { name: "cloudflare", key: "token" } },
      dns: { target: "edge.platform.dev" },
      ownership: { issuer: "test" },
      check: { egress: "Off" },
      billing: {},
      ...changes,
    });
    this.ledger.classes.store.apply({ apiVersion: API_VERSION, kind: "CustomDomainClass", metadata: this.#meta({ name }), spec });
  }

  domain(
    key: string,
    spec: Readonly<Record<string, unknown>>,
    more: Partial<ObjectMeta> = {},
    status?: CustomDomain["status"],
  ): CustomDomain {
    const [namespace = "", name = ""] = key.split("/");
    const metadata = this.#meta({ name, namespace, uid: `uid-of-${key}`, creationTimestamp: "2026-01-01T00:00:00Z", ...more });
    const parsed = customDomainSpecSchema.parse({ domain: "shop.acme.com", ...spec });
    const object = {
      apiVersion: API_VERSION,
      kind: "CustomDomain",
      metadata,
      spec: parsed,
      ...(status === undefined ? {} : { status }),
    };
    this.ledger.domains.store.apply(object);
    return object;
  }

  /** A proven claim of `holder`, unless `changes` say otherwise. */
  claim(holder: CustomDomain, changes: Partial<DomainClaimSpec> = {}): void {
    const { namespace = "", name, uid = "" } = holder.metadata;
    const domain = changes.domain ?? holder.spec.domain;
    const times = { createdTime: "2026-01-01T00:00:00Z", provenTime: "2026-01-01T00:00:00Z" };
    const spec = {
      state: "Proven",
      domain,
      holder: { namespace, name, uid },
      tenant: namespace,
      id: uid,
      className: "default",
    } as const;
    this.ledger.claims.store.apply({
      apiVersion: API_VERSION,
      kind: "DomainClaim",
      metadata: this.#meta({ name: domain }),
      spec: { ...spec, ...times, rows: [], ...changes },
    });
  }

  #meta(meta: ObjectMeta): ObjectMeta {
    this.#version += 1;
    return { uid: `uid-${this.#version}`, ...meta, generation: 1, resourceVersion: String(this.#version) };
  }
}
