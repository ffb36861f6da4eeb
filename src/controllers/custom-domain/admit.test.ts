import { beforeEach, describe, expect, it } from "vitest";
import { TryAgain } from "../../runtime/controller.ts";
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

describe("the platform's own names", () => {
  it.each(["shop.first.dev", "edge.second.dev", "www.second.dev", "old.accepted.dev", "anything.origin-zone.dev"])(
    "%s is refused in every class, whichever class says so",
    (domain) => {
      paper.class("default", { default: true, dns: { target: "edge.first.dev" } });
      const cloudflare = {
        zoneID: "1".repeat(32),
        apiTokenSecretRef: { name: "c", key: "t" },
        fallbackOrigin: "fallback.origin-zone.dev",
      };
      paper.class("other", { cloudflare, dns: { target: "edge.second.dev", acceptedTargets: ["old.accepted.dev"] } });
      const message = expect.stringMatching(/belongs to this platform/);
      expect(admission({ domain })).toMatchObject({ kind: "refused", reason: "InvalidDomain", message });
      expect(admission({ domain, className: "other" })).toMatchObject({ kind: "refused", message });
    },
  );
});

describe("policy", () => {
  it("tells a name that the class does not accept from one that is wrong", () => {
    paper.class("default", { default: true, policy: { allowedDomains: ["acme.com"] } });
    expect(admission({ domain: "shop.other.dev" })).toMatchObject({ reason: "DomainNotAllowed", stalled: true });
    expect(admission({ domain: `${"a.".repeat(120)}acme.com` })).toMatchObject({ reason: "NameTooLong" });
  });

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

describe("a namespace that the cache has not seen", () => {
  it("is nobody's: nothing is decided, however lenient the class", () => {
    const matchExpressions = [{ key: "tier", operator: "DoesNotExist" }];
    paper.class("default", { default: true, policy: { allowedNamespaces: { matchExpressions } } });
    const stranger = paper.domain("unseen/shop", {});
    expect(() => admit(stranger, paper.ledger)).toThrow(TryAgain);
    paper.namespace("unseen");
    expect(admit(stranger, paper.ledger).kind).toBe("admitted");
  });
});
