import { beforeEach, describe, expect, it } from "vitest";
import { LedgerOnPaper } from "../ledger.testing.ts";
import { admit } from "./admit.ts";

let paper: LedgerOnPaper;

beforeEach(() => {
  paper = new LedgerOnPaper();
  paper.namespace("acme", { tier: "gold" });
});

function admission(spec: Readonly<Record<string, unknown>> = {}) {
  return admit(paper.domain("acme/shop", spec), paper.ledger);
}

describe("what a claim has pinned", () => {
  it("the class: another default, or another default beside it, changes nothing", () => {
    paper.class("default");
    paper.class("newer", { default: true });
    const domain = paper.domain("acme/shop", {});
    paper.claim(domain);
    expect(admit(domain, paper.ledger)).toMatchObject({ kind: "admitted", class: { metadata: { name: "default" } } });
    paper.class("newest", { default: true });
    expect(admit(domain, paper.ledger).kind).toBe("admitted");
  });

  it("the class: one that the spec names afterwards stalls, and the pinned one goes on", () => {
    paper.class("default");
    paper.class("other");
    const domain = paper.domain("acme/shop", { className: "other" });
    paper.claim(domain);
    expect(admit(domain, paper.ledger)).toMatchObject({
      kind: "admitted",
      class: { metadata: { name: "default" } },
      stalled: { reason: "ClassChangeNotSupported", message: expect.stringMatching(/set spec.className back to default/) },
    });
  });

  it("the class: one that is gone is missed, and no other is recommended", () => {
    paper.class("other", { default: true });
    const domain = paper.domain("acme/shop", {});
    paper.claim(domain);
    const message =
      "CustomDomainClass default, which serves the domain, does not exist any more: an administrator creates it again";
    expect(admit(domain, paper.ledger)).toEqual({ kind: "refused", reason: "ClassNotFound", message, stalled: false });
  });

  it.each([
    ["reserved since", "shop.acme.com", { policy: { reservedDomains: ["acme.com"] } }, undefined],
    ["not among the allowed any more", "shop.acme.com", { policy: { allowedDomains: ["other.dev"] } }, undefined],
    ["a suffix that only the class's list admitted", "shop.corp.test", {}, undefined],
    ["the platform's own since", "acme.com", { dns: { target: "edge.acme.com" } }, undefined],
    ["a look-alike by the tables of today", "xn--n1aahb.com", {}, "www.xn--n1aahb.com"],
    ["a public suffix by the list of today", "github.io", {}, "www.github.io"],
    ["a suffix that nobody knows any more", "shop.acme.gone", {}, undefined],
    [
      "an apex in a class that serves none any more",
      "acme.com",
      { dns: { target: "edge.dev", apex: { mode: "Unsupported" } } },
      undefined,
    ],
    ["a www that would be folded today", "www.acme.com", {}, undefined],
  ])("the name: %s", (_, name, changes, wwwTwin) => {
    paper.class("default", { default: true, ...changes });
    const domain = paper.domain("acme/shop", { domain: name });
    paper.claim(domain, { domain: name });
    expect(admit(domain, paper.ledger)).toMatchObject({ kind: "admitted", names: { name, wwwTwin } });
  });

  it("policy is not asked again", () => {
    paper.class("default", {
      default: true,
      policy: { allowedNamespaces: { matchLabels: { tier: "none" } }, overridableSSLFields: [] },
    });
    const domain = paper.domain("acme/shop", { ssl: { minTLSVersion: "1.3" } });
    paper.claim(domain, { rows: [{ hostname: "shop.acme.com", role: "Primary", zoneID: "z", id: "1" }] });
    expect(admit(domain, paper.ledger)).toMatchObject({ kind: "admitted" });
    expect(admit(domain, paper.ledger)).not.toHaveProperty("stalled");
  });

  it("but a setting that was edited in before there is a row is told", () => {
    paper.class("default", { default: true });
    const domain = paper.domain("acme/shop", { origin: { server: "evil.dev" } });
    paper.claim(domain, { state: "Pending" });
    expect(admit(domain, paper.ledger)).toMatchObject({ kind: "admitted", stalled: { reason: "OriginNotAllowed" } });
  });

  describe("belongs to the restored object of the same name, before any policy of today is asked (rule 2)", () => {
    const restored = (spec: Readonly<Record<string, unknown>> = {}) =>
      admit(paper.domain("acme/shop", spec, { uid: "another" }), paper.ledger);

    it("the name and the class, though they are reserved and ambiguous since", () => {
      paper.class("default", { default: true, policy: { reservedDomains: ["acme.com"], overridableSSLFields: [] } });
      paper.class("second", { default: true });
      paper.claim(paper.domain("acme/shop", {}));
      expect(restored()).toMatchObject({
        kind: "admitted",
        class: { metadata: { name: "default" } },
        names: { name: "shop.acme.com" },
      });
    });

    it("also where www is folded no more, or the name is one that could be mistaken", () => {
      paper.class("default", { default: true, dns: { target: "edge.platform.dev", apex: { mode: "Unsupported" } } });
      paper.claim(paper.domain("acme/shop", {}), { domain: "acme.com" });
      expect(restored({ domain: "www.acme.com" })).toMatchObject({ names: { name: "acme.com" } });
      paper.claim(paper.domain("acme/look", {}), { domain: "xn--n1aahb.com" });
      const look = paper.domain("acme/look", { domain: "сосо.com" }, { uid: "another" });
      expect(admit(look, paper.ledger)).toMatchObject({ names: { name: "xn--n1aahb.com" } });
    });

    it.each([
      ["another name", { domain: "pay.acme.com" }, {}],
      ["a name that is being released", {}, { state: "Releasing" }],
      ["a name of another tenant", {}, { tenant: "other" }],
    ] as const)("not %s", (_, spec, changes) => {
      paper.class("default", { default: true, policy: { reservedDomains: ["acme.com"] } });
      paper.claim(paper.domain("acme/shop", {}), changes);
      expect(restored(spec)).toMatchObject({ kind: "refused", reason: "InvalidDomain" });
    });
  });
});

describe("www and its apex", () => {
  const PRIMARY = { hostname: "acme.com", role: "Primary", zoneID: "z", id: "1" } as const;
  const TWIN = { hostname: "www.acme.com", role: "Redirect", zoneID: "z", id: "2" } as const;
  const names = (rows: readonly (typeof PRIMARY | typeof TWIN)[], spec = {}) => {
    const domain = paper.domain("acme/shop", { domain: "acme.com", ...spec });
    paper.claim(domain, { domain: "acme.com", rows: [...rows] });
    return admit(domain, paper.ledger);
  };

  it("a www that is reserved is not paired, neither before the claim nor after it", () => {
    paper.class("default", { default: true, policy: { reservedDomains: ["www.acme.com"] } });
    expect(admission({ domain: "acme.com" })).toMatchObject({ names: { name: "acme.com", wwwTwin: undefined } });
    expect(names([])).toMatchObject({ names: { name: "acme.com", wwwTwin: undefined } });
  });

  it.each([
    ["reserved", { policy: { reservedDomains: ["www.acme.com"] } }],
    ["the platform's", { dns: { target: "edge.acme.com" } }],
    ["not allowed any more", { policy: { allowedDomains: ["other.dev"] } }],
    ["of an apex that the class cannot serve any more", { dns: { target: "edge.dev", apex: { mode: "Unsupported" } } }],
  ])("a www that is served already stays paired: %s", (_, changes) => {
    paper.class("default", { default: true, ...changes });
    expect(names([PRIMARY, TWIN])).toMatchObject({ names: { wwwTwin: "www.acme.com" } });
    expect(names([PRIMARY])).toMatchObject({ names: { wwwTwin: undefined } });
    expect(names([PRIMARY, TWIN], { wwwRedirect: "Disabled" })).toMatchObject({ names: { wwwTwin: undefined } });
  });

  it.each([
    ["proven for itself", { state: "Proven" }, undefined],
    ["being released for itself", { state: "Releasing", rows: [{ ...TWIN, role: "Primary" }] }, undefined],
    ["retained for itself", { state: "Released", rows: [{ ...TWIN, role: "Primary" }] }, undefined],
    ["only asked for", { state: "Pending" }, "www.acme.com"],
    ["resting without a row", { state: "Released", rows: [] }, "www.acme.com"],
  ] as const)("a www that is %s: paired = %j…", (_, changes, wwwTwin) => {
    paper.class("default", { default: true });
    paper.claim(paper.domain("other/www", { domain: "www.acme.com" }), { ...changes, domain: "www.acme.com" });
    expect(names([])).toMatchObject({ names: { wwwTwin } });
    expect(names([PRIMARY, TWIN])).toMatchObject({ names: { wwwTwin } });
    expect(admit(paper.domain("acme/new", { domain: "acme.com" }), paper.ledger)).toMatchObject({ names: { wwwTwin } });
  });
});
