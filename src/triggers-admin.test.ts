import type { Condition } from "./api/v1/conditions.ts";
import type { Reason } from "./api/v1/reasons.ts";
import { accountAt, classNamed, httpRouteOf, routeAt, type TriggerBench } from "./triggers.testing.ts";
import { condition, DELETED_AT, DEPENDENTS, SHOP_ROUTES, table } from "./triggers-stage.testing.ts";

const synced = (lastSyncedTime: string) => ({ lastSyncedTime, conditions: [condition("Synced", "True", "Synced")] });
const stalled = (reason: Reason) => ({ conditions: [condition("Stalled", "True", reason)] });
function coverAll(bench: TriggerBench): void {
  for (const { metadata, status } of [...bench.ledger.domains.store.list()]) {
    const conditions = [condition("BillingSynced", "True", "Synced")];
    bench.edit(bench.ledger.domains, `${metadata.namespace}/${metadata.name}`, { status: { ...status, conditions } });
  }
}

table("a BillingAccount", [
  [
    "is created: its domains may go on",
    (bench) => bench.put(bench.ledger.accounts, accountAt("acme/other", "sub-2")),
    ["accounts acme/other", "classes other low"],
  ],
  [
    "has another spec",
    (bench) => bench.edit(bench.ledger.accounts, "acme/default", { spec: accountAt("acme/default", "sub-2").spec }),
    ["accounts acme/default"],
  ],
  [
    "names a subscription that another one has too: both decide anew",
    (bench) => bench.edit(bench.ledger.accounts, "acme/default", { spec: accountAt("acme/default", "sub-umbrella").spec }),
    ["accounts acme/default", "accounts umbrella/default", "accounts umbrella/other"],
  ],
  [
    "has another status, which the operator wrote",
    (bench) => bench.edit(bench.ledger.accounts, "acme/default", { status: { domains: 2, desiredQuantity: 1 } }),
    [],
  ],
  [
    "synced: what waits for it is told, and the class",
    (bench) => bench.edit(bench.ledger.accounts, "acme/default", { status: synced(DELETED_AT) }),
    ["classes default low", "domains acme/blog low", "domains acme/shop low"],
  ],
  [
    "synced: domains that are covered are left alone",
    (bench) => bench.edit(bench.ledger.accounts, "acme/default", { status: synced(DELETED_AT) }),
    ["classes default low"],
    coverAll,
  ],
  [
    "is stalled: all its domains tell of it",
    (bench) => bench.edit(bench.ledger.accounts, "acme/default", { status: stalled("SubscriptionNotFound") }),
    ["classes default low", "domains acme/blog low", "domains acme/shop low"],
    coverAll,
  ],
  [
    "is gone: its domains and class tell of it",
    (bench) => bench.remove(bench.ledger.accounts, "acme/default"),
    ["accounts acme/default", "classes default low", "domains acme/blog low", "domains acme/shop low"],
    coverAll,
  ],
]);

/** Everything that class default decides for; umbrella/fresh may become its. */ const readyIs = (
  status: Condition["status"],
) => ({ domains: 3, conditions: [condition("Ready", status, "Available")] });

table("a CustomDomainClass", [
  [
    "has another spec",
    (bench) =>
      bench.edit(bench.ledger.classes, "other", { spec: classNamed("other", { dns: { target: "edge2.platform.dev" } }).spec }),
    [
      "classes other",
      "domains umbrella/apex low",
      "domains umbrella/fresh low",
      "accounts umbrella/other low",
      "routes umbrella/root low",
    ],
  ],
  [
    "becomes the default: the others decide anew",
    (bench) => bench.edit(bench.ledger.classes, "spare", { spec: classNamed("spare", { default: true }).spec }),
    ["classes default low", "classes other low", "classes spare", "domains umbrella/fresh low"],
  ],
  [
    "is no default any more",
    (bench) => bench.edit(bench.ledger.classes, "default", { spec: classNamed("default").spec }),
    ["classes default", "classes other low", "classes spare low", ...DEPENDENTS],
  ],
  ["is created", (bench) => bench.put(bench.ledger.classes, classNamed("new")), ["classes new", "domains umbrella/fresh low"]],
  [
    "is being deleted",
    (bench) => bench.edit(bench.ledger.classes, "spare", {}, { deletionTimestamp: DELETED_AT }),
    ["classes spare", "domains umbrella/fresh low"],
  ],
  ["is gone", (bench) => bench.remove(bench.ledger.classes, "spare"), ["classes spare", "domains umbrella/fresh low"]],
  [
    "has other counts in its status",
    (bench) => bench.edit(bench.ledger.classes, "default", { status: { domains: 3, unmanagedHostnames: 1 } }),
    [],
  ],
  [
    "becomes ready: everything that waited for it",
    (bench) => bench.edit(bench.ledger.classes, "default", { status: readyIs("True") }),
    DEPENDENTS,
  ],
  [
    "stays ready: nothing",
    (bench) => bench.edit(bench.ledger.classes, "default", { status: { ...readyIs("True"), domains: 4 } }),
    [],
    (bench) => bench.edit(bench.ledger.classes, "default", { status: readyIs("True") }),
  ],
]);
table("a CustomDomainRoute", [
  [
    "is created: its siblings decide anew",
    (bench) => bench.put(bench.ledger.routes, routeAt("acme/new", "shop")),
    ["routes acme/api", "routes acme/new", "routes acme/root"],
  ],
  [
    "has another spec",
    (bench) => bench.edit(bench.ledger.routes, "acme/root", { spec: { ...routeAt("acme/root", "shop").spec, path: "/new" } }),
    SHOP_ROUTES,
  ],
  ["is gone", (bench) => bench.remove(bench.ledger.routes, "acme/root"), SHOP_ROUTES],
  [
    "has another owner",
    (bench) => bench.edit(bench.ledger.routes, "umbrella/root", {}, { ownerReferences: [] }),
    ["routes umbrella/root"],
  ],
  [
    "has another status, which the operator wrote",
    (bench) => bench.edit(bench.ledger.routes, "acme/root", { status: { domain: "shop.acme.com" } }),
    [],
  ],
]);

table("an HTTPRoute", [
  ["is changed", (bench) => bench.edit(bench.ledger.httpRoutes, "acme/root", { spec: { hostnames: [] } }), ["routes acme/root"]],
  [
    "is answered by the Gateway",
    (bench) => bench.edit(bench.ledger.httpRoutes, "acme/root", { status: { parents: [] } }),
    ["routes acme/root"],
  ],
  ["is gone", (bench) => bench.remove(bench.ledger.httpRoutes, "acme/root"), ["routes acme/root"]],
  ["belongs to nobody who is there", (bench) => bench.put(bench.ledger.httpRoutes, httpRouteOf("acme/lost", "lost")), []],
  [
    "belongs to something else of that name",
    (bench) => bench.put(bench.ledger.httpRoutes, httpRouteOf("acme/theirs", "root", "Other")),
    [],
  ],
  [
    "passes on to another route",
    (bench) => bench.edit(bench.ledger.httpRoutes, "acme/root", {}, httpRouteOf("acme/root", "api").metadata),
    SHOP_ROUTES,
  ],
]);
