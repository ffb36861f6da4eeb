import { describe, expect, it } from "vitest";
import type { Condition } from "./api/v1/conditions.ts";
import type { Reason } from "./api/v1/reasons.ts";
import { accountAt, claimOf, classNamed, domainAt, httpRouteOf, namespace, routeAt, TriggerBench } from "./triggers.testing.ts";

/**
 * Two tenants. acme has a live shop with routes, and a blog that waits for the name that umbrella holds; umbrella's old domain is
 * being released. Class other serves one domain of umbrella's; nobody uses class spare.
 */
export function twoTenants(): TriggerBench {
  const bench = new TriggerBench();
  const { ledger } = bench;
  for (const name of ["acme", "umbrella"]) bench.put(ledger.namespaces, namespace(name));
  bench.put(ledger.classes, classNamed("default", { default: true }));
  for (const name of ["other", "spare"]) bench.put(ledger.classes, classNamed(name));
  const { spec, ...shop } = domainAt("acme/shop", "shop.acme.com", {
    domain: "shop.acme.com",
    className: "default",
    verified: true,
  });
  const { className: _, ...unclassed } = spec;
  bench.put(ledger.domains, { ...shop, spec: unclassed });
  bench.put(ledger.domains, domainAt("acme/blog", "blog.umbrella.com"));
  bench.put(ledger.domains, domainAt("umbrella/blog", "blog.umbrella.com"));
  bench.put(ledger.domains, domainAt("umbrella/apex", "umbrella.com", { domain: "umbrella.com", className: "other" }));
  const { status: __, ...fresh } = domainAt("umbrella/fresh", "fresh.umbrella.com");
  const { className: ___, ...undecided } = fresh.spec;
  bench.put(ledger.domains, { ...fresh, spec: undecided });
  bench.put(ledger.claims, claimOf("shop.acme.com", "acme/shop", { rows: [row("shop.acme.com")] }));
  bench.put(ledger.claims, claimOf("blog.umbrella.com", "umbrella/blog", { rows: [row("blog.umbrella.com")] }));
  bench.put(ledger.claims, claimOf("umbrella.com", "umbrella/apex", { className: "other" }));
  bench.put(ledger.claims, claimOf("old.umbrella.com", "umbrella/old", { state: "Releasing" }));
  bench.put(ledger.accounts, accountAt("acme/default", "sub-acme"));
  bench.put(ledger.accounts, accountAt("umbrella/default", "sub-umbrella"));
  bench.put(ledger.accounts, accountAt("umbrella/other", "sub-umbrella"));
  for (const name of ["root", "api"]) bench.put(ledger.routes, routeAt(`acme/${name}`, "shop"));
  bench.put(ledger.routes, routeAt("umbrella/root", "apex"));
  bench.put(ledger.httpRoutes, httpRouteOf("acme/root", "root"));
  return bench;
}

export const SHOP_ROUTES = ["routes acme/api", "routes acme/root"];
export const DELETED_AT = "2026-02-01T00:00:00Z";

/** Everything that class default decides for; umbrella/fresh may become its. */
export const DEPENDENTS = [
  "domains acme/shop low",
  "domains acme/blog low",
  "domains umbrella/blog low",
  "domains umbrella/fresh low",
  "claims old.umbrella.com low",
  "accounts acme/default low",
  "accounts umbrella/default low",
  "routes acme/root low",
  "routes acme/api low",
];

export function row(hostname: string) {
  return { hostname, role: "Primary", zoneID: "0".repeat(32), id: `id-of-${hostname}` } as const;
}

export function condition(type: string, status: Condition["status"], reason: Reason): Condition {
  return { type, status, reason, message: "A sentence.", lastTransitionTime: "2026-01-01T00:00:00Z" };
}

/** What changes, how, everything that is queued for it, and what was there before. */
export type Case = readonly [
  what: string,
  change: (bench: TriggerBench) => void,
  queued: readonly string[],
  before?: (bench: TriggerBench) => void,
];

/** One test per row, each on caches of its own. */
export function table(name: string, cases: readonly Case[]): void {
  describe(name, () => {
    it.each(cases.map(([what, ...rest]) => [what, rest] as const))("%s", (_, [change, queued, before]) => {
      const bench = twoTenants();
      before?.(bench);
      expect(bench.queuedBy(() => change(bench))).toEqual([...queued].sort());
    });
  });
}
