import { randomBytes } from "node:crypto";

/** The SaaS platform that the simulated world is set up for. */
export const platform = {
  zoneName: "saas-platform.dev",
  zoneID: "0123456789abcdef0123456789abcdef",
  target: "edge.saas-platform.dev",
  fallbackOrigin: "origin.saas-platform.dev",
  edgeAddress: "127.0.0.21",
  originAddress: "127.0.0.22",
  itemPriceID: "custom-domain-USD-monthly",
  planPriceID: "platform-USD-monthly",
} as const;

/** Everything a CustomDomainClass and its Secrets say about the simulated world. */
export interface Connection {
  readonly zoneID: string;
  readonly cloudflareURL: string;
  readonly cloudflareToken: string;
  readonly target: string;
  /** `address:port`. */
  readonly resolvers: readonly string[];
  readonly nameserverPort: number;
  readonly nameserverCIDRs: readonly string[];
  readonly edgeCIDRs: readonly string[];
  readonly httpPort: number;
  readonly httpsPort: number;
  /** PEM. */
  readonly caBundle: string;
  readonly signingKey: string;
  readonly chargebeeSite: string;
  readonly chargebeeURL: string;
  readonly chargebeeKey: string;
  readonly itemPriceID: string;
}

export function newSigningKey(): string {
  return randomBytes(32).toString("hex");
}

/** The Secrets and the CustomDomainClass that connect an operator to the simulated world, ready to apply. */
export function manifestsFor(connection: Connection, options: { readonly namespace: string; readonly className: string }) {
  const secret = (name: string, stringData: Readonly<Record<string, string>>) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: options.namespace },
    stringData,
  });
  return [
    secret("cloudflare", { token: connection.cloudflareToken }),
    secret("chargebee", { apiKey: connection.chargebeeKey }),
    secret("domain-check", { signingKey: connection.signingKey }),
    {
      apiVersion: "customdomains.dev/v1",
      kind: "CustomDomainClass",
      metadata: { name: options.className },
      spec: classSpecFor(connection),
    },
  ] as const;
}

export function classSpecFor(connection: Connection) {
  return {
    default: true,
    cloudflare: {
      zoneID: connection.zoneID,
      apiTokenSecretRef: { name: "cloudflare", key: "token" },
      apiURL: connection.cloudflareURL,
    },
    dns: {
      target: connection.target,
      resolvers: connection.resolvers,
      nameserverPort: connection.nameserverPort,
      nameserverCIDRs: connection.nameserverCIDRs,
    },
    ownership: { issuer: "simulated-platform" },
    check: {
      signingKeySecretRef: { name: "domain-check", key: "signingKey" },
      edgeCIDRs: connection.edgeCIDRs,
      httpPort: connection.httpPort,
      httpsPort: connection.httpsPort,
      caBundle: connection.caBundle,
    },
    billing: {
      accounts: "Optional",
      chargebee: {
        site: connection.chargebeeSite,
        apiURL: connection.chargebeeURL,
        apiKeySecretRef: { name: "chargebee", key: "apiKey" },
        itemPriceID: connection.itemPriceID,
      },
    },
  } as const;
}
