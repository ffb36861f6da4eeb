import { describe, expect, test } from "vitest";
import { customDomainSpecSchema } from "../api/v1/custom-domain.ts";
import { API_VERSION } from "../api/v1/group.ts";
import { customDomainProjection, projectNamespace } from "./projections.ts";

function domain(ready: "True" | "False", more: Readonly<Record<string, unknown>> = {}) {
  const metadata = {
    name: "shop",
    namespace: "lindqvist",
    uid: "uid-1",
    resourceVersion: "7",
    finalizers: ["customdomains.dev/finalizer", "somebody.else/finalizer"],
    labels: { "customdomains.dev/id": "id-1", team: "web" },
    annotations: {
      "customdomains.dev/recheck": "now",
      "argocd.argoproj.io/tracking-id": "x",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
    },
    managedFields: [{}],
    ...more,
  };
  const conditions = [
    {
      type: "Ready",
      status: ready,
      reason: "Live",
      message: "Live.",
      lastTransitionTime: "2026-01-01T00:00:00Z",
      observedGeneration: 1,
    },
  ];
  const spec = customDomainSpecSchema.parse({ domain: "shop.lindqvistkeramik.se" });
  return { apiVersion: API_VERSION, kind: "CustomDomain", metadata, spec, status: { conditions } };
}

describe("of a CustomDomain", () => {
  test("everything is kept but what others wrote into its metadata", () => {
    expect(customDomainProjection()(domain("False")).metadata).toEqual({
      name: "shop",
      namespace: "lindqvist",
      uid: "uid-1",
      resourceVersion: "7",
      finalizers: ["customdomains.dev/finalizer", "somebody.else/finalizer"],
      labels: { "customdomains.dev/id": "id-1" },
      annotations: { "customdomains.dev/recheck": "now" },
    });
  });

  test("all of it is kept until our finalizer is there: the PUT that sets it sends what it does not know back", () => {
    const fresh = domain("False", { finalizers: ["somebody.else/finalizer"] });
    const { managedFields: _, ...metadata } = fresh.metadata as Record<string, unknown>;
    expect(customDomainProjection()(fresh)).toEqual({ ...fresh, metadata });
  });

  test("the status is packed while it is live, and reads the same", () => {
    const isPacked = (object: object): boolean => Object.getOwnPropertyDescriptor(object, "status")?.get !== undefined;
    const project = customDomainProjection();
    const live = project(domain("True"));
    expect(isPacked(live)).toBe(true);
    expect(live.status).toEqual(domain("True").status);
    expect(live.spec).toEqual(domain("True").spec);
    expect(isPacked(project(domain("False")))).toBe(false);
    expect(isPacked(project(domain("True", { deletionTimestamp: "2026-01-02T00:00:00Z" })))).toBe(false);
  });
});

test("of a Namespace only what decides whose it is and whether it is going is kept", () => {
  const metadata = { name: "a", uid: "u", resourceVersion: "3", labels: { x: "1" }, annotations: { y: "2" }, generation: 4 };
  expect(projectNamespace({ apiVersion: "v1", kind: "Namespace", metadata, status: { phase: "Active" } })).toEqual({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "a", uid: "u", resourceVersion: "3", labels: { x: "1" } },
  });
});
