const PLURALS: Readonly<Record<string, string>> = {
  BillingAccount: "billingaccounts",
  CustomDomain: "customdomains",
  CustomDomainClass: "customdomainclasses",
  CustomDomainRoute: "customdomainroutes",
  DomainClaim: "domainclaims",
  CustomResourceDefinition: "customresourcedefinitions",
  HTTPRoute: "httproutes",
  Namespace: "namespaces",
  Secret: "secrets",
};

/** The API path of an object of a kind that the tests use. */
export function pathOf(object: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}): string {
  const plural = PLURALS[object.kind];
  if (plural === undefined) throw new Error(`no path is known for ${object.kind}`);
  const root = object.apiVersion.includes("/") ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const { name, namespace } = object.metadata;
  return `${root}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${plural}/${name}`;
}
