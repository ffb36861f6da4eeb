import { describe, expect, test } from "vitest";
import { type CustomDomainRoute, customDomainRouteSpecSchema } from "../api/v1/custom-domain-route.ts";
import {
  covers,
  type HTTPRoute,
  isFirst,
  isRenderedFor,
  redirectName,
  refusalOf,
  renderRedirect,
  renderRoute,
} from "./http-route.ts";

const GATEWAY = { parentRef: { name: "edge", namespace: "gateways", sectionName: "https" } };

function route(name: string, more: Partial<CustomDomainRoute["metadata"]> = {}, path = "/"): CustomDomainRoute {
  return {
    apiVersion: "customdomains.dev/v1",
    kind: "CustomDomainRoute",
    metadata: { name, namespace: "lindqvist", uid: `uid-of-${name}`, ...more },
    spec: customDomainRouteSpecSchema.parse({ domainRef: { name: "shop" }, path, backendRef: { name: "web", port: 8080 } }),
  };
}

test("a route becomes an HTTPRoute of its name: one host name, one path, one Service, attached to the class's listener", () => {
  expect(renderRoute(route("root", {}, "/shop"), "shop.acme.com", GATEWAY)).toEqual({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: {
      name: "root",
      namespace: "lindqvist",
      labels: { "app.kubernetes.io/managed-by": "custom-domain-operator" },
      ownerReferences: [
        {
          apiVersion: "customdomains.dev/v1",
          kind: "CustomDomainRoute",
          name: "root",
          uid: "uid-of-root",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      parentRefs: [
        {
          group: "gateway.networking.k8s.io",
          kind: "Gateway",
          name: "edge",
          namespace: "gateways",
          sectionName: "https",
        },
      ],
      hostnames: ["shop.acme.com"],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: "/shop" } }],
          backendRefs: [{ group: "", kind: "Service", name: "web", port: 8080, weight: 1 }],
        },
      ],
    },
  });
});

test("the twin is redirected to the domain with 308, path and query kept", () => {
  const { metadata, spec } = renderRedirect(route("root"), "www.acme.com", "acme.com", GATEWAY);
  expect(metadata.name).toBe("root-www");
  expect(spec).toMatchObject({
    hostnames: ["www.acme.com"],
    rules: [{ filters: [{ type: "RequestRedirect", requestRedirect: { hostname: "acme.com", statusCode: 308 } }] }],
  });
  expect(JSON.stringify(spec)).not.toContain("backendRefs");
  expect(JSON.stringify(spec)).not.toContain('"replace');
  expect(redirectName(route("r".repeat(253)))).toHaveLength(253);
});

describe("an HTTPRoute", () => {
  const rendered = renderRoute(route("root"), "shop.acme.com", GATEWAY);

  test("is ours by its controller, also of a former object of the name; anybody else's is not", () => {
    expect(isRenderedFor(rendered, route("root"))).toBe(true);
    expect(isRenderedFor(rendered, route("root", { uid: "after-a-restore" }))).toBe(true);
    expect(isRenderedFor(rendered, route("other"))).toBe(false);
    const foreign = (ownerReferences: HTTPRoute["metadata"]["ownerReferences"] = []): HTTPRoute => ({
      ...rendered,
      metadata: { ...rendered.metadata, ownerReferences },
    });
    expect(isRenderedFor(foreign(), route("root"))).toBe(false);
    const [owner] = rendered.metadata.ownerReferences ?? [];
    if (owner === undefined) expect.fail("there is no owner");
    expect(isRenderedFor(foreign([{ ...owner, controller: false }]), route("root"))).toBe(false);
    expect(isRenderedFor(foreign([{ ...owner, kind: "CustomDomain" }]), route("root"))).toBe(false);
  });

  test("covers what is wanted when the API server has only filled in more", () => {
    const wanted = { a: 1, list: [{ b: 2 }], none: null };
    expect(covers({ a: 1, list: [{ b: 2, filledIn: true }], none: null, more: 1 }, wanted)).toBe(true);
    for (const found of [
      { a: 2, list: [{ b: 2 }], none: null },
      { a: 1, list: [{ b: 2 }, { b: 3 }], none: null },
      { a: 1, list: [{}], none: null },
      { a: 1, none: null },
      { a: 1, list: { b: 2 }, none: null },
      undefined,
    ])
      expect(covers(found, wanted)).toBe(false);
  });

  test("is refused when its Gateway says so; silence, and what other parents say, is no refusal", () => {
    const told = (name: string, status: string): HTTPRoute => ({
      ...rendered,
      status: { parents: [{ parentRef: { name }, conditions: [{ type: "Accepted", status }] }] },
    });
    expect(refusalOf(rendered, GATEWAY)).toBeUndefined();
    expect(refusalOf(told("edge", "True"), GATEWAY)).toBeUndefined();
    expect(refusalOf(told("edge", "False"), GATEWAY)).toBe("Accepted");
    expect(refusalOf(told("mesh", "False"), GATEWAY)).toBeUndefined();
  });
});

test("of several routes the oldest is first, by name where they are of one age", () => {
  const [old, young, twin] = [
    route("z", { creationTimestamp: "2026-01-01T00:00:00Z" }),
    route("a", { creationTimestamp: "2026-01-02T00:00:00Z" }),
    route("b", { creationTimestamp: "2026-01-02T00:00:00Z" }),
  ];
  const all = [old, young, twin];
  expect(all.map((one) => isFirst(one, all))).toEqual([true, false, false]);
  expect([young, twin].map((one) => isFirst(one, [young, twin]))).toEqual([true, false]);
  expect(isFirst(old, [])).toBe(true);
});
