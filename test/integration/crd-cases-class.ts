import { casesOf, conditionCases, type RefusalCase, says, ZONE } from "./crd-cases.ts";

const { wrong, wrongItem, together, changed } = casesOf("CustomDomainClass");

const chargebee = {
  site: "storelane",
  apiKeySecretRef: { name: "chargebee", key: "apiKey" },
  itemPriceID: "domains-GBP-monthly",
};
const CHARGEBEE = "spec.billing.chargebee";
const ANOTHER_ZONE = "023e105f4ecef8ad9ca31a8372d0c353";
const SELECTOR = "spec.policy.allowedNamespaces.matchExpressions";

function wrongInChargebee(member: string, bad: unknown, good: unknown, message: string): RefusalCase {
  const path = `${CHARGEBEE}.${member}`;
  return together(path, { [CHARGEBEE]: chargebee, [path]: bad }, { [CHARGEBEE]: chargebee, [path]: good }, message);
}

function changedChargebee(field: string, bad: unknown, good: unknown, message: string): RefusalCase {
  return {
    kind: "CustomDomainClass",
    field,
    says: message,
    before: { [CHARGEBEE]: chargebee },
    bad: { [CHARGEBEE]: bad },
    good: { [CHARGEBEE]: good },
  };
}

function secretCases(path: string): readonly RefusalCase[] {
  return [
    wrong(`${path}.name`, "Cloudflare Token", "cloudflare-token", says.objectName),
    wrong(`${path}.key`, "the/key", "the.key", says.secretKey),
  ];
}

const cloudflareCases: readonly RefusalCase[] = [
  wrong(
    "spec.cloudflare.zoneID",
    ZONE.toUpperCase(),
    ZONE,
    "must be a Cloudflare zone id: 32 hexadecimal digits, lower case, from the zone's overview page",
  ),
  changed(
    "spec.cloudflare.zoneID",
    ZONE,
    ANOTHER_ZONE,
    ZONE,
    "must not change: its hostnames exist in this zone; create another class",
  ),
  ...secretCases("spec.cloudflare.apiTokenSecretRef"),
  wrong("spec.cloudflare.apiURL", "ftp://127.0.0.1", "http://127.0.0.1:8080/client/v4", says.url),
  wrong("spec.cloudflare.apiURL", "https://user@api.cloudflare.com", "https://api.cloudflare.com", says.url),
  wrong("spec.cloudflare.apiURL", "https://api.cloudflare.com/client/v4/", "https://[::1]:8443/client/v4", says.url),
  wrong("spec.cloudflare.fallbackOrigin", "Origin.storelane.app", "origin.storelane.app", says.hostname),
  together(
    "spec.cloudflare.ssl",
    { "spec.cloudflare.ssl": { minTLSVersion: "1.3", ciphers: ["AES128-SHA"] } },
    { "spec.cloudflare.ssl": { ciphers: ["AES128-SHA"] } },
    says.ciphersWith13,
  ),
  wrongItem("spec.cloudflare.ssl.ciphers", "aes", "AES128-SHA", says.cipher),
];

const dnsCases: readonly RefusalCase[] = [
  wrong("spec.dns.target", "shops.storelane.app.", "shops.storelane.app", says.hostname),
  wrongItem("spec.dns.acceptedTargets", "*.storelane.app", "old.storelane.app", says.hostname),
  wrongItem(
    "spec.dns.apex.addresses",
    "198.51.100.0/24",
    "2001:db8::5",
    "must be an IPv4 or IPv6 address without prefix length, such as '198.51.100.10'",
  ),
  together(
    "spec.dns.apex",
    { "spec.dns.apex": { mode: "StaticAddresses" } },
    { "spec.dns.apex": { mode: "StaticAddresses", addresses: ["198.51.100.10"] } },
    "must have addresses when mode is 'StaticAddresses': list the addresses that owners point their A and AAAA records to",
  ),
  wrongItem(
    "spec.dns.resolvers",
    "10.96.0.10",
    "[2001:db8::53]:53",
    "must be the address and port of a resolver, such as '10.96.0.10:53' or '[2001:db8::53]:53'",
  ),
  wrongItem("spec.dns.nameserverCIDRs", "127.0.0.1", "127.0.0.0/8", says.cidr),
];

const checkCases: readonly RefusalCase[] = [
  wrong("spec.check.path", "debug?x", "/debug/domain-check", "must be a path alone, such as '/debug/domain-check'"),
  ...secretCases("spec.check.signingKeySecretRef"),
  wrongItem("spec.check.edgeCIDRs", "::1", "::1/128", says.cidr),
  together(
    "spec.check",
    { "spec.check": { response: "Plain" } },
    { "spec.check": { response: "Plain", expectedBody: "ok" } },
    "must have expectedBody when response is 'Plain': write the body that the platform answers",
  ),
  together(
    "spec.check",
    { "spec.check": {} },
    { "spec.check": { egress: "Off" } },
    "must have signingKeySecretRef when response is 'Signed': name the Secret with the key, or set response 'Plain' or egress 'Off'",
  ),
];

const billingCases: readonly RefusalCase[] = [
  wrongInChargebee(
    "site",
    "https://storelane.chargebee.com",
    "storelane-test",
    "must be the site's name alone, such as 'acme-test' for https://acme-test.chargebee.com",
  ),
  wrongInChargebee("apiURL", "localhost:8080", "http://localhost:8080/api/v2", says.url),
  wrongInChargebee("apiKeySecretRef.name", "a/b", "a-b", says.objectName),
  wrongInChargebee("apiKeySecretRef.key", "a b", "a_b", says.secretKey),
  wrongInChargebee("itemPriceID", "domains/GBP", "domains-GBP", says.chargebeeID),
  changedChargebee(
    `${CHARGEBEE}.site`,
    { ...chargebee, site: "another" },
    chargebee,
    "must not change: BillingAccounts have quantities at this site; create another class",
  ),
  changedChargebee(
    CHARGEBEE,
    { ...chargebee, catalog: "Addons" },
    { ...chargebee, mode: "Total" },
    "catalog must not change: a site has one catalogue; create another class for another site",
  ),
  changedChargebee(
    "spec.billing",
    undefined,
    { ...chargebee, itemPriceID: "domains-EUR-monthly" },
    "must keep chargebee: BillingAccounts have quantities at that site; set suspend on them, or create another class",
  ),
];

const policyCases: readonly RefusalCase[] = [
  wrongItem("spec.policy.reservedDomains", "*.storelane.app", "storelane.app", says.hostname),
  wrongItem("spec.policy.allowedDomains", "Test", "test", says.hostname),
  wrongItem(
    SELECTOR,
    { key: "plan", operator: "In" },
    { key: "plan", operator: "In", values: ["pro"] },
    "must have values for operator 'In' and 'NotIn', and none for 'Exists' and 'DoesNotExist'",
  ),
  wrongItem(
    SELECTOR,
    { key: "plan", operator: "Exists", values: ["pro"] },
    { key: "plan", operator: "DoesNotExist" },
    "must have values for operator 'In' and 'NotIn', and none for 'Exists' and 'DoesNotExist'",
  ),
];

const parentRef = { name: "public", namespace: "gateways" };

const gatewayCases: readonly RefusalCase[] = ["name", "namespace", "sectionName"].map((member) =>
  together(
    `spec.gateway.parentRef.${member}`,
    { "spec.gateway.parentRef": { ...parentRef, [member]: "A/B" } },
    { "spec.gateway.parentRef": { ...parentRef, [member]: "a-b" } },
    says.objectName,
  ),
);

export const customDomainClassCases: readonly RefusalCase[] = [
  ...cloudflareCases,
  ...dnsCases,
  changed(
    "spec.ownership.issuer",
    "storelane-production",
    "storelane-test",
    "storelane-production",
    "must not change: every TXT record that owners have published contains it; create another class",
  ),
  ...checkCases,
  ...billingCases,
  ...policyCases,
  ...gatewayCases,
  ...conditionCases("CustomDomainClass"),
];
