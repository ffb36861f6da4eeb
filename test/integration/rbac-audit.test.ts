import { describe, expect, test } from "vitest";
import { auditRbac, type Request } from "./rbac-audit.ts";

const USER = "system:serviceaccount:platform:operator";
const ALL_CLEAR = { violations: [], unused: [], wildcards: [] };

function role(kind: "Role" | "ClusterRole", rules: readonly object[], name = "operator") {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind,
    metadata: { name, ...(kind === "Role" ? { namespace: "platform" } : {}) },
    rules,
  };
}

function binding(kind: "RoleBinding" | "ClusterRoleBinding", roleKind: "Role" | "ClusterRole", name = "operator") {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind,
    metadata: { name, ...(kind === "RoleBinding" ? { namespace: "platform" } : {}) },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: roleKind, name },
    subjects: [{ kind: "ServiceAccount", name: "operator", namespace: "platform" }],
  };
}

function clusterWide(...rules: object[]): object[] {
  return [role("ClusterRole", rules), binding("ClusterRoleBinding", "ClusterRole")];
}

function inNamespace(...rules: object[]): object[] {
  return [role("Role", rules), binding("RoleBinding", "Role")];
}

const OURS = { apiGroups: ["customdomains.dev"] };
const DOMAIN = { apiGroup: "customdomains.dev", resource: "customdomains", namespace: "shop", name: "acme" };
const SECRET = { resource: "secrets", namespace: "platform", name: "cloudflare" };
const LEASE = { apiGroup: "coordination.k8s.io", resource: "leases", namespace: "platform", name: "operator" };

function request(verb: string, objectRef: Request["objectRef"], username = USER): Request {
  return { verb, requestURI: "/", user: { username }, ...(objectRef === undefined ? {} : { objectRef }) };
}

describe("what is allowed and used", () => {
  test("gives no finding", () => {
    const manifests = [
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "operator" }, spec: {} },
      ...clusterWide({ ...OURS, resources: ["customdomains"], verbs: ["list", "patch"] }),
      ...inNamespace({ apiGroups: [""], resources: ["secrets"], resourceNames: ["cloudflare"], verbs: ["list"] }),
    ];
    const events = [
      request("list", { apiGroup: "customdomains.dev", resource: "customdomains" }),
      request("patch", DOMAIN),
      request("patch", { ...DOMAIN, name: "other" }),
      request("list", SECRET),
    ];
    expect(auditRbac(events, manifests, USER)).toEqual(ALL_CLEAR);
  });

  test("requests of other users neither violate nor use a rule", () => {
    const manifests = clusterWide({ ...OURS, resources: ["customdomains"], verbs: ["get"] });
    const events = [request("delete", DOMAIN, "admin"), request("get", DOMAIN, "system:serviceaccount:shop:operator")];
    expect(auditRbac(events, manifests, USER)).toEqual({ ...ALL_CLEAR, unused: ["get customdomains.customdomains.dev"] });
  });

  test("a binding to the user by its name counts like one to its service account, one to another does not", () => {
    const rule = { ...OURS, resources: ["customdomains"], verbs: ["get"] };
    const bound = { ...binding("ClusterRoleBinding", "ClusterRole"), subjects: [{ kind: "User", name: USER }] };
    const other = {
      ...bound,
      subjects: [
        { kind: "User", name: "system:serviceaccount:platform:api" },
        { kind: "Group", name: USER },
      ],
    };
    expect(auditRbac([request("get", DOMAIN)], [role("ClusterRole", [rule]), bound], USER)).toEqual(ALL_CLEAR);
    expect(auditRbac([request("get", DOMAIN)], [role("ClusterRole", [rule]), other], USER).violations).toHaveLength(1);
  });
});

describe("violations", () => {
  const allowed = clusterWide({ ...OURS, resources: ["customdomains"], verbs: ["get"] });

  test.each([
    ["another verb", request("delete", DOMAIN), "delete customdomains.customdomains.dev in shop"],
    ["a subresource", request("get", { ...DOMAIN, subresource: "status" }), "get customdomains/status.customdomains.dev in shop"],
    [
      "the same name in another group",
      request("get", { ...DOMAIN, apiGroup: "other.dev" }),
      "get customdomains.other.dev in shop",
    ],
    ["the core group", request("get", SECRET), "get secrets in platform"],
  ])("%s", (_, event, violation) => {
    expect(auditRbac([event, event], [...allowed], USER).violations).toEqual([violation]);
  });

  test("a URL that is no resource, without its query", () => {
    const event: Request = { verb: "get", requestURI: "/apis?timeout=32s", user: { username: USER } };
    expect(auditRbac([event], allowed, USER).violations).toEqual(["get /apis"]);
  });

  test("a role in one namespace gives nothing in another, nor over all of them", () => {
    const manifests = inNamespace({ apiGroups: [""], resources: ["secrets"], verbs: ["list"] });
    const events = [request("list", { ...SECRET, namespace: "shop" }), request("list", { resource: "secrets" })];
    expect(auditRbac(events, manifests, USER).violations).toEqual(["list secrets", "list secrets in shop"]);
  });

  test("a ClusterRole bound in a namespace gives only that namespace", () => {
    const rule = { ...OURS, resources: ["customdomains"], verbs: ["get"] };
    const manifests = [role("ClusterRole", [rule]), binding("RoleBinding", "ClusterRole")];
    const events = [request("get", { ...DOMAIN, namespace: "platform" }), request("get", DOMAIN)];
    expect(auditRbac(events, manifests, USER)).toEqual({
      ...ALL_CLEAR,
      violations: ["get customdomains.customdomains.dev in shop"],
    });
  });

  test("a rule for named objects gives no other, and no list of all", () => {
    const manifests = inNamespace({ apiGroups: [""], resources: ["secrets"], resourceNames: ["cloudflare"], verbs: ["list"] });
    const { name: _, ...all } = SECRET;
    const events = [request("list", { ...SECRET, name: "other" }), request("list", all), request("list", SECRET)];
    expect(auditRbac(events, manifests, USER).violations).toEqual([
      'list secrets "other" in platform',
      "list secrets in platform",
    ]);
  });

  test("a rule for named objects never gives create, although the audit log tells the name of what was created", () => {
    const named = { apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: ["operator"], verbs: ["create"] };
    const { resourceNames: _, ...any } = named;
    expect(auditRbac([request("create", LEASE)], inNamespace(named), USER).violations).toHaveLength(1);
    expect(auditRbac([request("create", LEASE)], inNamespace(any), USER)).toEqual(ALL_CLEAR);
  });

  test("a binding to a role that is not rendered", () => {
    const manifests = [binding("ClusterRoleBinding", "ClusterRole", "cluster-admin")];
    const told = "ClusterRoleBinding cluster-admin gives ClusterRole cluster-admin, which is not rendered";
    expect(auditRbac([], manifests, USER).violations).toEqual([told]);
  });
});

test("unused permissions are told one by one: verb, resource and name", () => {
  const manifests = [
    ...clusterWide({ ...OURS, resources: ["customdomains", "customdomains/status"], verbs: ["get", "update"] }),
    ...inNamespace({ apiGroups: [""], resources: ["secrets"], resourceNames: ["cloudflare", "chargebee"], verbs: ["watch"] }),
  ];
  const events = [request("get", DOMAIN), request("update", { ...DOMAIN, subresource: "status" }), request("watch", SECRET)];
  expect(auditRbac(events, manifests, USER).unused).toEqual([
    "get customdomains/status.customdomains.dev",
    "update customdomains.customdomains.dev",
    'watch secrets "chargebee" in platform',
  ]);
});

describe("what admission asks for before an owner reference is set", () => {
  const ROUTE = { apiGroup: "customdomains.dev", resource: "customdomainroutes", namespace: "shop", name: "root" };
  const OWNER = { apiVersion: "customdomains.dev/v1", kind: "CustomDomain", name: "acme", uid: "1", blockOwnerDeletion: true };
  const verbs = ["create", "patch", "update"];
  const rule = { ...OURS, resources: ["customdomainroutes"], verbs };
  const finalizers = { ...OURS, resources: ["customdomains/finalizers"], verbs: ["update"] };
  const deletion = { ...OURS, resources: ["customdomainroutes"], verbs: ["delete"] };

  function write(verb: string, owner: object = OWNER, code = 200): Request {
    return { ...request(verb, ROUTE), requestObject: { metadata: { ownerReferences: [owner] } }, responseStatus: { code } };
  }
  const used = verbs.map((verb) => request(verb, ROUTE));
  const audit = (event: Request, ...rules: object[]) => auditRbac([...used, event], clusterWide(rule, ...rules), USER);

  test("is used by it", () => {
    expect(audit(write("patch"), finalizers, deletion)).toEqual(ALL_CLEAR);
    expect(audit(write("create"), finalizers)).toEqual(ALL_CLEAR);
  });

  test.each([
    ["a patch without one", request("patch", ROUTE)],
    ["a patch that was refused", write("patch", OWNER, 403)],
    ["a PUT, which may have left them as they were", write("update")],
  ])("is not used by %s", (_, event) => {
    expect(audit(event, finalizers, deletion).unused).toEqual([
      "delete customdomainroutes.customdomains.dev",
      "update customdomains/finalizers.customdomains.dev",
    ]);
  });

  test("is less for an object that is created, and for a reference that blocks nothing", () => {
    const told = "delete customdomainroutes.customdomains.dev";
    expect(audit(write("create"), finalizers, deletion).unused).toEqual([told]);
    const unblocking = { ...OWNER, blockOwnerDeletion: false };
    expect(audit(write("patch", unblocking), finalizers, deletion).unused).toEqual([
      "update customdomains/finalizers.customdomains.dev",
    ]);
  });

  test("is a violation where no rule gives it", () => {
    expect(audit(write("patch")).violations).toEqual([
      "delete customdomainroutes.customdomains.dev in shop",
      "update customdomains/finalizers.customdomains.dev in shop",
    ]);
  });
});

describe("wildcards", () => {
  test.each([
    ["verbs", { ...OURS, resources: ["customdomains"], verbs: ["*"] }, "ClusterRole operator: verbs [*]"],
    ["groups", { apiGroups: ["*"], resources: ["customdomains"], verbs: ["get"] }, "ClusterRole operator: apiGroups [*]"],
    ["resources", { ...OURS, resources: ["*"], verbs: ["get"] }, "ClusterRole operator: resources [*]"],
    ["subresources", { ...OURS, resources: ["*/status"], verbs: ["get"] }, "ClusterRole operator: resources [*/status]"],
    ["URLs", { nonResourceURLs: ["/metrics*"], verbs: ["get"] }, "ClusterRole operator: nonResourceURLs [/metrics*]"],
  ])("in %s", (_, rule, wildcard) => {
    expect(auditRbac([], clusterWide(rule), USER).wildcards).toEqual([wildcard]);
  });

  test("an empty list of names means all of them", () => {
    const manifests = inNamespace({ apiGroups: [""], resources: ["secrets"], resourceNames: [], verbs: ["list"] });
    expect(auditRbac([request("list", SECRET)], manifests, USER).wildcards).toEqual([
      "Role operator: resourceNames [] on secrets means every name",
    ]);
  });

  test("in roles that the user is not bound to, too", () => {
    const manifests = [role("ClusterRole", [{ ...OURS, resources: ["*"], verbs: ["get"] }], "viewer")];
    expect(auditRbac([], manifests, USER).wildcards).toEqual(["ClusterRole viewer: resources [*]"]);
  });

  test("still allow what they allow", () => {
    const manifests = clusterWide({ apiGroups: ["*"], resources: ["*/status"], verbs: ["*"] });
    expect(auditRbac([request("get", { ...DOMAIN, subresource: "status" })], manifests, USER).violations).toEqual([]);
    expect(auditRbac([request("get", DOMAIN)], manifests, USER).violations).toHaveLength(1);
  });
});
