import { casesOf, conditionCases, NOW, type RefusalCase, says } from "./crd-cases.ts";

const account = casesOf("BillingAccount");
const claim = casesOf("DomainClaim");
const route = casesOf("CustomDomainRoute");

const line = { subscriptionID: "lindqvist-keramik-2024", itemPriceID: "domains-GBP-monthly", quantity: 2 };

function wrongLine(member: string): RefusalCase {
  const lines = (value: string) => ({ "status.lines": [{ ...line, [member]: value }] });
  return account.together(`status.lines[0].${member}`, lines(".."), lines("sub_A"), says.chargebeeID);
}

const billingAccountCases: readonly RefusalCase[] = [
  account.wrong("spec.subscriptionID", "../customers", "Azz_-1.2~3", says.chargebeeID),
  account.wrong("spec.itemPriceID", "domains GBP", "domains-GBP", says.chargebeeID),
  wrongLine("subscriptionID"),
  wrongLine("itemPriceID"),
  ...conditionCases("BillingAccount"),
];

const row = { hostname: "shop.lindqvistkeramik.se", role: "Primary", zoneID: "z", id: "614b3124-cd57-42f0-8307-454b3124cd57" };
const released = { "spec.state": "Released", "spec.holder": undefined, "spec.id": undefined, "spec.className": undefined };
const heldWhileClaimed = "must have holder, id and className while state is 'Pending' or 'Proven'";

const domainClaimCases: readonly RefusalCase[] = [
  claim.together("spec.domain", { "spec.domain": "Shop.lindqvistkeramik.se" }, {}, says.hostname),
  claim.together("", { "spec.domain": "acme.com" }, {}, "metadata.name must be the same as spec.domain"),
  claim.together("spec", { "spec.holder": undefined }, released, heldWhileClaimed),
  // A tombstone that is reopened for a late row has no holder any more.
  claim.together("spec", { ...released, "spec.state": "Pending" }, { ...released, "spec.state": "Releasing" }, heldWhileClaimed),
  claim.together(
    "spec",
    { "spec.state": "Proven" },
    { "spec.state": "Proven", "spec.provenTime": NOW },
    "must have provenTime when state is 'Proven'",
  ),
  claim.together(
    "spec",
    { "spec.state": "Proven", "spec.provenTime": NOW, "spec.releaseAfterTime": NOW },
    { "spec.state": "Pending", "spec.releaseAfterTime": NOW },
    "must not have releaseAfterTime when state is 'Proven'",
  ),
  claim.together(
    "spec",
    { ...released, "spec.rows": [row] },
    { "spec.state": "Released", "spec.rows": [row] },
    "must keep holder while a 'Released' claim has rows",
  ),
];

const PATH = "spec.path";
const onlyPath = "must be a path alone: percent-encode anything but letters, digits and '-._~!$&()*+,;=:@'";
const dotParts = "must not have the parts '.' or '..': write the path that they lead to";

const customDomainRouteCases: readonly RefusalCase[] = [
  route.wrong(PATH, "shop", "/shop", "must begin with '/', for example '/shop'"),
  route.wrong(PATH, "/shop?a=b", "/shop/", onlyPath),
  route.wrong(PATH, "/åäö", "/%C3%A5", onlyPath),
  route.wrong(PATH, "//shop", "/shop", "must not have '//': write '/shop', not '//shop'"),
  route.wrong(PATH, "/a/../b", "/b", dotParts),
  route.wrong(PATH, "/.", "/.well-known", dotParts),
  route.wrong(PATH, "/a%2fb", "/a/b", "must not have an encoded '/' (%2F): gateways treat it differently"),
  route.wrong("spec.domainRef.name", "Shop", "shop", says.objectName),
  route.changed("spec.domainRef.name", "shop", "other", "shop", "must not change: create another CustomDomainRoute"),
  route.wrong("spec.backendRef.name", "store_front", "store-front", says.objectName),
  ...conditionCases("CustomDomainRoute"),
];

export const otherCases: readonly RefusalCase[] = [...billingAccountCases, ...domainClaimCases, ...customDomainRouteCases];
