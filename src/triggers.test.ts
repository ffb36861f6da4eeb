import { ANNOTATION_RECHECK, FINALIZER, LABEL_ID, LABEL_TENANT } from "./api/v1/group.ts";
import { claimOf, domainAt, namespace, type TriggerBench } from "./triggers.testing.ts";
import { condition, DELETED_AT, DEPENDENTS, row, SHOP_ROUTES, table } from "./triggers-stage.testing.ts";

const shop = ({ ledger }: TriggerBench) => ledger.domains.get("acme/shop")?.status;

table("a CustomDomain", [
  ["is created", (bench) => bench.put(bench.ledger.domains, domainAt("acme/new", "new.acme.com")), ["domains acme/new"]],
  [
    "is there when the operator starts",
    (bench) => {
      const { status: _, ...rest } = domainAt("acme/new", "new.acme.com");
      bench.list(bench.ledger.domains, [rest]);
    },
    ["domains acme/new low"],
  ],
  [
    "has another spec",
    (bench) =>
      bench.edit(bench.ledger.domains, "acme/blog", {
        spec: { ...domainAt("acme/blog", "blog.umbrella.com").spec, suspend: true },
      }),
    ["domains acme/blog"],
  ],
  [
    "is asked to be checked",
    (bench) => bench.edit(bench.ledger.domains, "acme/blog", {}, { annotations: { [ANNOTATION_RECHECK]: "token" } }),
    ["domains acme/blog"],
  ],
  [
    "has its id label changed",
    (bench) => bench.edit(bench.ledger.domains, "acme/blog", {}, { labels: { [LABEL_ID]: "stolen" } }),
    ["domains acme/blog"],
  ],
  [
    "loses the finalizer to a tenant",
    (bench) => bench.edit(bench.ledger.domains, "acme/blog", {}, { finalizers: [] }),
    ["domains acme/blog"],
    (bench) => bench.edit(bench.ledger.domains, "acme/blog", {}, { finalizers: [FINALIZER] }),
  ],
  [
    "is being deleted",
    (bench) => bench.edit(bench.ledger.domains, "acme/blog", {}, { deletionTimestamp: DELETED_AT }),
    ["domains acme/blog"],
  ],
  [
    "has other labels and annotations of others",
    (bench) =>
      bench.edit(
        bench.ledger.domains,
        "acme/blog",
        {},
        { finalizers: [FINALIZER], labels: { team: "red" }, annotations: { "example.org/note": "x" } },
      ),
    [],
    // Until it has our finalizer all of it is kept, and looked at.
    (bench) => bench.edit(bench.ledger.domains, "acme/blog", {}, { finalizers: [FINALIZER] }),
  ],
  [
    "has another status, which the operator wrote",
    (bench) =>
      bench.edit(bench.ledger.domains, "acme/shop", {
        status: { ...shop(bench), lastCheckedAt: DELETED_AT, conditions: [condition("Ready", "False", "RecordMissing")] },
      }),
    [],
  ],
  [
    "stops being verified",
    (bench) => bench.edit(bench.ledger.domains, "acme/shop", { status: { ...shop(bench), verified: false } }),
    SHOP_ROUTES,
  ],
  [
    "is served by another class",
    (bench) => bench.edit(bench.ledger.domains, "acme/shop", { status: { ...shop(bench), className: "other" } }),
    SHOP_ROUTES,
  ],
  [
    "gets a www twin",
    (bench) =>
      bench.edit(bench.ledger.domains, "acme/shop", {
        status: { ...shop(bench), hostnames: [{ ...row("www.acme.com"), role: "Redirect", errors: [] }] },
      }),
    SHOP_ROUTES,
  ],
  [
    "is gone: its claim, its routes, and whoever waited for the name",
    (bench) => bench.remove(bench.ledger.domains, "umbrella/blog"),
    ["domains umbrella/blog", "domains acme/blog", "claims blog.umbrella.com"],
  ],
  [
    "that had routes is gone",
    (bench) => bench.remove(bench.ledger.domains, "acme/shop"),
    ["domains acme/shop", "claims shop.acme.com", ...SHOP_ROUTES],
  ],
  [
    "is another one of the same name",
    (bench) => bench.edit(bench.ledger.domains, "umbrella/blog", {}, { uid: "uid-2" }),
    ["domains umbrella/blog", "domains acme/blog", "claims blog.umbrella.com"],
  ],
  [
    "that had no status yet is another one",
    (bench) => bench.edit(bench.ledger.domains, "umbrella/fresh", {}, { uid: "uid-2" }),
    ["domains umbrella/fresh"],
  ],
  [
    "that had routes is another one: they get another owner",
    (bench) => bench.edit(bench.ledger.domains, "acme/shop", {}, { uid: "uid-2" }),
    ["domains acme/shop", "claims shop.acme.com", ...SHOP_ROUTES],
  ],
  [
    "was gone before the operator looked",
    (bench) => bench.list(bench.ledger.domains, [], "umbrella/blog"),
    ["domains umbrella/blog low", "domains acme/blog low", "claims blog.umbrella.com low"],
  ],
]);

/** Claims rule W4: everybody whose canonical name it is, the holder, and the account that pays. */
const BLOG = ["claims blog.umbrella.com", "domains acme/blog", "domains umbrella/blog"];
const blogClaim = () => claimOf("blog.umbrella.com", "umbrella/blog", { rows: [row("blog.umbrella.com")] });

table("a DomainClaim", [
  [
    "is created: nobody but the holder has the name",
    (bench) => bench.put(bench.ledger.claims, claimOf("fresh.umbrella.com", "umbrella/fresh")),
    ["claims fresh.umbrella.com", "domains umbrella/fresh", "classes default low"],
  ],
  [
    "is there when the operator starts",
    (bench) => bench.list(bench.ledger.claims, [claimOf("fresh.umbrella.com", "umbrella/fresh")]),
    ["claims fresh.umbrella.com low", "domains umbrella/fresh low", "classes default low"],
  ],
  [
    "changes and stays in its state: all who have the name hear of it, the class does not",
    (bench) => bench.edit(bench.ledger.claims, "blog.umbrella.com", { spec: { ...blogClaim().spec, proofLostTime: DELETED_AT } }),
    [...BLOG, "accounts umbrella/default"],
  ],
  [
    "goes on to be released: it is counted no more",
    (bench) => bench.edit(bench.ledger.claims, "blog.umbrella.com", { spec: { ...blogClaim().spec, state: "Releasing" } }),
    [...BLOG, "accounts umbrella/default", "classes default low"],
  ],
  [
    "passes on to another tenant and class: both hear of it",
    (bench) =>
      bench.edit(bench.ledger.claims, "blog.umbrella.com", {
        spec: { ...claimOf("blog.umbrella.com", "acme/blog", { className: "other", rows: [row("blog.umbrella.com")] }).spec },
      }),
    [...BLOG, "accounts umbrella/default", "accounts acme/other"],
  ],
  [
    "is gone",
    (bench) => bench.remove(bench.ledger.claims, "blog.umbrella.com"),
    [...BLOG, "accounts umbrella/default", "classes default low"],
  ],
  [
    "whose holder has another name in its spec by now: the holder hears of it all the same",
    (bench) =>
      bench.edit(bench.ledger.claims, "old.umbrella.com", {
        spec: { ...claimOf("old.umbrella.com", "umbrella/fresh", { state: "Releasing" }).spec },
      }),
    ["claims old.umbrella.com", "domains umbrella/fresh", "domains umbrella/old"],
  ],
  [
    "without a holder",
    (bench) => bench.put(bench.ledger.claims, claimWithoutHolder("rests.umbrella.com")),
    ["claims rests.umbrella.com", "classes default low"],
  ],
]);

function claimWithoutHolder(name: string) {
  const { holder: _, ...spec } = claimOf(name, "umbrella/old", { state: "Released" }).spec;
  return { ...claimOf(name, "umbrella/old"), spec };
}
const ACME = ["domains acme/blog", "domains acme/shop", "accounts acme/default"];

table("a Namespace", [
  [
    "is another tenant's",
    (bench) => bench.edit(bench.ledger.namespaces, "acme", {}, { labels: { [LABEL_TENANT]: "umbrella" } }),
    ACME,
  ],
  ["is being deleted", (bench) => bench.edit(bench.ledger.namespaces, "acme", {}, { deletionTimestamp: DELETED_AT }), ACME],
  [
    "is seen after its objects were",
    (bench) =>
      bench.put(bench.ledger.namespaces, namespace("acme", { uid: "uid-2", labels: { "kubernetes.io/metadata.name": "acme" } })),
    ACME,
    (bench) => bench.remove(bench.ledger.namespaces, "acme"),
  ],
  ["has other annotations", (bench) => bench.edit(bench.ledger.namespaces, "acme", {}, { annotations: { a: "b" } }), []],
  ["has nothing of ours in it", (bench) => bench.put(bench.ledger.namespaces, namespace("empty", { labels: { a: "b" } })), []],
]);

table("Cloudflare's zone", [
  [
    "has another row of a name",
    (bench) => bench.triggers.hostnameChanged("blog.umbrella.com"),
    ["domains acme/blog", "domains umbrella/blog"],
  ],
  ["has another row of a www twin", (bench) => bench.triggers.hostnameChanged("www.umbrella.com"), ["domains umbrella/apex"]],
  [
    "has a row of a name that was released: it may be ours",
    (bench) => bench.triggers.hostnameChanged("rests.umbrella.com"),
    ["claims rests.umbrella.com"],
    (bench) => bench.put(bench.ledger.claims, claimWithoutHolder("rests.umbrella.com")),
  ],
  [
    "has a row of the www twin of a name that was released",
    (bench) => bench.triggers.hostnameChanged("www.rests.umbrella.com"),
    ["claims rests.umbrella.com"],
    (bench) => bench.put(bench.ledger.claims, claimWithoutHolder("rests.umbrella.com")),
  ],
  ["has a row that nobody knows", (bench) => bench.triggers.hostnameChanged("manual.platform.dev"), []],
]);

table("a Secret", [
  ["of a class changes", (bench) => bench.triggers.secretChanged("token-default"), ["classes default", ...DEPENDENTS]],
  ["of nobody changes", (bench) => bench.triggers.secretChanged("token-of-nobody"), []],
]);

table("a release that fails", [
  [
    "concerns the domain that waits for it, and its class",
    (bench) => bench.triggers.releaseFailed("old.umbrella.com"),
    ["domains umbrella/old", "classes default low"],
  ],
  [
    "of a claim without a holder concerns its class",
    (bench) => bench.triggers.releaseFailed("rests.umbrella.com"),
    ["classes default low"],
    (bench) => bench.put(bench.ledger.claims, claimWithoutHolder("rests.umbrella.com")),
  ],
  ["of a claim that is gone", (bench) => bench.triggers.releaseFailed("gone.umbrella.com"), []],
]);
