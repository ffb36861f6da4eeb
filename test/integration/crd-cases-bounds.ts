import { casesOf, condition, type RefusalCase } from "./crd-cases.ts";

const domain = casesOf("CustomDomain");
const domainClass = casesOf("CustomDomainClass");
const account = casesOf("BillingAccount");
const claim = casesOf("DomainClaim");
const route = casesOf("CustomDomainRoute");

const names = (count: number) => Array.from({ length: count }, (_, index) => `a${index}.se`);

/** What the schema says without CEL: types, enums, bounds, required and unknown members. `says` is part of the message. */
export const boundCases: readonly RefusalCase[] = [
  domain.wrong("spec.domain", undefined, "acme.com", "spec.domain: Required value"),
  domain.wrong("spec.domain", `${"a.".repeat(512)}com`, "acme.com", "spec.domain: Too long: may not be more than 1024 bytes"),
  domain.wrong(
    "spec.wwwRedirect",
    "auto",
    "Disabled",
    'spec.wwwRedirect: Unsupported value: "auto": supported values: "Auto", "Disabled"',
  ),
  domain.wrong("spec.deletionPolicy", "Orphan", "Retain", 'supported values: "Delete", "Retain"'),
  domain.wrong("spec.suspend", "yes", true, "spec.suspend in body must be of type boolean"),
  domain.wrong("spec.hostname", "acme.com", undefined, 'strict decoding error: unknown field "spec.hostname"'),
  domain.wrong("spec.ssl.wildcard", true, undefined, 'strict decoding error: unknown field "spec.ssl.wildcard"'),
  domain.wrong("spec.ssl.minTLSVersion", "1.4", "1.3", 'supported values: "1.0", "1.1", "1.2", "1.3"'),
  domain.wrong("status.verifiedAt", "yesterday", "2026-11-22T10:00:00+01:00", "verifiedAt in body must be of type date-time"),
  domain.together(
    "status.conditions",
    condition({ message: "m".repeat(1025) }),
    condition({ message: "m".repeat(1024) }),
    "status.conditions[0].message: Too long: may not be more than 1024 bytes",
  ),
  domain.wrong("status.hostnames", "none", [], "hostnames in body must be of type array"),
  domainClass.wrong("spec.check", undefined, { egress: "Off" }, "spec.check: Required value"),
  domainClass.wrong("spec.check.egress", false, "Off", "spec.check.egress in body must be of type string"),
  domainClass.wrong("spec.check.timeoutSeconds", 61, 60, "should be less than or equal to 60"),
  domainClass.wrong("spec.check.httpPort", 0, 8080, "should be greater than or equal to 1"),
  domainClass.wrong("spec.check.httpsPort", 65_536, 65_535, "should be less than or equal to 65535"),
  domainClass.wrong("spec.cloudflare.pageSize", 4, 5, "should be greater than or equal to 5"),
  domainClass.wrong("spec.cloudflare.requestsPer5Minutes", 1.5, 1, "must be of type integer"),
  domainClass.wrong("spec.policy.reservedDomains", names(257), names(256), "must have at most 256 items"),
  domainClass.wrong(
    "spec.policy.reservedDomains",
    ["a.se", "a.se"],
    ["a.se"],
    'spec.policy.reservedDomains[1]: Duplicate value: "a.se"',
  ),
  domainClass.wrong("spec.policy.overridableSSLFields", ["wildcard"], ["method", "ciphers"], "Unsupported value"),
  account.wrong("spec.maxQuantity", 0, 1, "should be greater than or equal to 1"),
  account.wrong("spec.subscriptionID", "a".repeat(51), "a".repeat(50), "Too long: may not be more than 50 bytes"),
  claim.wrong("spec.state", "Disputed", "Releasing", 'supported values: "Pending", "Proven", "Releasing", "Released"'),
  claim.wrong("spec.tenant", undefined, "lindqvist", "spec.tenant: Required value"),
  route.wrong("spec.backendRef.port", 70_000, 8080, "should be less than or equal to 65535"),
];
