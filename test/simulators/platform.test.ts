import { expect, test } from "vitest";
import { customDomainClassSpecSchema } from "../../src/api/v1/custom-domain-class.ts";
import { type Connection, classSpecFor, manifestsFor, newSigningKey, platform } from "./platform.ts";

const connection: Connection = {
  zoneID: platform.zoneID,
  cloudflareURL: "http://127.0.0.1:5401/client/v4",
  cloudflareToken: "token",
  target: platform.target,
  resolvers: ["127.0.0.10:5300"],
  nameserverPort: 5300,
  nameserverCIDRs: ["127.0.0.0/8"],
  edgeCIDRs: ["127.0.0.0/8"],
  httpPort: 8080,
  httpsPort: 8443,
  caBundle: "-----BEGIN CERTIFICATE-----",
  signingKey: newSigningKey(),
  chargebeeSite: "localhost",
  chargebeeURL: "http://127.0.0.1:5402/api/v2",
  chargebeeKey: "key",
  itemPriceID: platform.itemPriceID,
};

test("the class is valid by the operator's own schema", () => {
  const parsed = customDomainClassSpecSchema.safeParse(classSpecFor(connection));
  expect(parsed.error?.issues ?? []).toEqual([]);
});

test("every Secret that the class names is among the manifests, with that key", () => {
  const manifests = manifestsFor(connection, { namespace: "operator", className: "default" });
  const spec = classSpecFor(connection);
  const refs = [spec.cloudflare.apiTokenSecretRef, spec.check.signingKeySecretRef, spec.billing.chargebee.apiKeySecretRef];
  const keys = manifests.flatMap((manifest) =>
    manifest.kind === "Secret" ? Object.keys(manifest.stringData).map((key) => ({ name: manifest.metadata.name, key })) : [],
  );
  expect(keys).toEqual(expect.arrayContaining(refs));
});
