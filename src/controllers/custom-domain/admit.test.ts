import { beforeEach, describe, expect, it } from "vitest";
import type { LabelSelector } from "../../api/v1/policy-settings.ts";
import { LedgerOnPaper } from "../ledger.testing.ts";
import { admit, selects } from "./admit.ts";

let paper: LedgerOnPaper;

beforeEach(() => {
  paper = new LedgerOnPaper();
  paper.namespace("acme", { tier: "gold" });
});

function admission(spec: Readonly<Record<string, unknown>> = {}) {
  return admit(paper.domain("acme/shop", spec), paper.ledger);
}

describe("the class", () => {
  it("is the one that is named, or the only default", () => {
    paper.class("default", { default: true });
    paper.class("other");
    expect(admission()).toMatchObject({ kind: "admitted", class: { metadata: { name: "default" } } });
    expect(admission({ className: "other" })).toMatchObject({ kind: "admitted", class: { metadata: { name: "other" } } });
  });

  it.each([
    [
      "ClassNotFound",
      [],
      { className: "missing" },
      "CustomDomainClass missing does not exist: an administrator creates it, or spec.className names another",
    ],
    [
      "NoDefaultClass",
      [["a", false]],
      {},
      "No CustomDomainClass is the default: name one in spec.className, or an administrator sets default: true on one",
    ],
    [
      "MultipleDefaults",
      [
        ["a", true],
        ["b", true],
      ],
      {},
      "Several CustomDomainClasses are the default: name one in spec.className, or an administrator leaves default: true on one",
    ],
  ] as const)("%s heals by itself once a class changes", (reason, classes, spec, message) => {
    for (const [name, isDefault] of classes) paper.class(name, { default: isDefault });
    expect(admission(spec)).toEqual({ kind: "refused", reason, message, stalled: false });
  });
});

describe("the name", () => {
  beforeEach(() => paper.class("default", { default: true, policy: { reservedDomains: ["reserved.dev"] } }));

  it.each([
    ["edge.platform.dev", /belongs to this platform/],
    ["shop.platform.dev", /belongs to this platform/],
    ["shop.reserved.dev", /is reserved on this platform/],
    ["shop.example.com", /reserved for documentation/],
    ["co.uk", /suffix/],
    ["10.0.0.1", /IP address/],
  ])("%s only an edit helps", (domain, message) => {
    expect(admission({ domain })).toEqual({
      kind: "refused",
      reason: "InvalidDomain",
      message: expect.stringMatching(message),
      stalled: true,
    });
  });

  it("takes its www along, unless it is told not to, or is no apex", () => {
    expect(admission({ domain: "WWW.Acme.com " })).toMatchObject({ names: { name: "acme.com", wwwTwin: "www.acme.com" } });
    expect(admission({ domain: "acme.com", wwwRedirect: "Disabled" })).toMatchObject({
      names: { name: "acme.com", wwwTwin: undefined },
    });
    expect(admission({ domain: "shop.acme.com" })).toMatchObject({ names: { wwwTwin: undefined } });
  });
});

describe("policy", () => {
  it.each([
    [
      "NamespaceNotAllowed",
      { allowedNamespaces: { matchLabels: { tier: "silver" } } },
      {},
      false,
      "Class default does not serve namespace acme: use another class, or ask an administrator",
    ],
    [
      "OriginNotAllowed",
      { allowedOrigins: ["origin.dev"] },
      { origin: { server: "evil.dev" } },
      true,
      "Class default does not allow origin evil.dev: remove it from spec.origin, or ask an administrator",
    ],
    [
      "OriginNotAllowed",
      { allowedOrigins: ["origin.dev"] },
      { origin: { server: "origin.dev", sni: "sni.dev" } },
      true,
      "Class default does not allow origin sni.dev: remove it from spec.origin, or ask an administrator",
    ],
    [
      "SSLFieldNotAllowed",
      { overridableSSLFields: [] },
      { ssl: { minTLSVersion: "1.3" } },
      true,
      "Class default does not let a domain set ssl.minTLSVersion: remove it from spec.ssl, or ask an administrator",
    ],
  ] as const)("%s", (reason, policy, spec, stalled, message) => {
    paper.class("default", { default: true, policy });
    expect(admission(spec)).toEqual({ kind: "refused", reason, message, stalled });
  });

  it("lets in what it allows", () => {
    const policy = { allowedNamespaces: { matchLabels: { tier: "gold" } }, allowedOrigins: ["origin.dev"] };
    paper.class("default", { default: true, policy });
    expect(admission({ origin: { server: "origin.dev" }, ssl: { minTLSVersion: "1.3" } }).kind).toBe("admitted");
  });
});

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
    ["the platform's own since", "acme.com", { dns: { target: "edge.acme.com" } }, "www.acme.com"],
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
    paper.claim(domain);
    expect(admit(domain, paper.ledger).kind).toBe("admitted");
  });

  it("by the holder's uid only: a re-created object is asked", () => {
    paper.class("default", { default: true, policy: { reservedDomains: ["acme.com"] } });
    paper.claim(paper.domain("acme/shop", {}));
    expect(admit(paper.domain("acme/shop", {}, { uid: "another" }), paper.ledger)).toMatchObject({ reason: "InvalidDomain" });
  });
});

describe("a label selector", () => {
  const labels = { tier: "gold", region: "eu" };
  it.each<[string, LabelSelector, boolean]>([
    ["empty selects everything", {}, true],
    ["matchLabels, all of them", { matchLabels: { tier: "gold", region: "eu" } }, true],
    ["matchLabels, one is another", { matchLabels: { tier: "gold", region: "us" } }, false],
    ["matchLabels, one is missing", { matchLabels: { team: "x" } }, false],
    ["In", { matchExpressions: [{ key: "tier", operator: "In", values: ["silver", "gold"] }] }, true],
    ["In, missing", { matchExpressions: [{ key: "team", operator: "In", values: ["x"] }] }, false],
    ["NotIn", { matchExpressions: [{ key: "tier", operator: "NotIn", values: ["gold"] }] }, false],
    ["NotIn, missing counts", { matchExpressions: [{ key: "team", operator: "NotIn", values: ["x"] }] }, true],
    ["Exists", { matchExpressions: [{ key: "tier", operator: "Exists" }] }, true],
    ["Exists, missing", { matchExpressions: [{ key: "team", operator: "Exists" }] }, false],
    ["DoesNotExist", { matchExpressions: [{ key: "team", operator: "DoesNotExist" }] }, true],
    ["DoesNotExist, there", { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] }, false],
    [
      "both kinds must hold",
      { matchLabels: { tier: "gold" }, matchExpressions: [{ key: "region", operator: "NotIn", values: ["eu"] }] },
      false,
    ],
  ])("%s", (_, selector, selected) => {
    expect(selects(selector, labels)).toBe(selected);
  });
});
