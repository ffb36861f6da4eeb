import { afterAll, beforeAll, expect, it } from "vitest";
import { Environment } from "../harness/environment.ts";
import { hostnamesAt, publishAsked, untilGone, untilVerified } from "../harness/journey.ts";
import { gatewayApiCrds } from "../tools/gateway-api.ts";

let environment: Environment;

beforeAll(async () => {
  environment = await Environment.start({ name: "older-server", apiServerArgs: ["--feature-gates=WatchList=false"] });
  // Optional kinds are listed too, where they are served.
  for (const { apiVersion, kind, metadata, spec } of await gatewayApiCrds()) {
    const { name, annotations } = metadata;
    await environment.apply({
      apiVersion,
      kind,
      metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
      spec,
    });
  }
  const httpRoutes = "/apis/gateway.networking.k8s.io/v1/httproutes";
  const served = async () => (await environment.controlPlane.request("GET", httpRoutes)).status === 200;
  await environment.until("HTTPRoutes to be served", served);
  await environment.startOperator();
  await environment.namespace("lindqvist");
});
afterAll(() => environment.stop());

it("an API server that does not stream the beginning of a watch is listed: a domain lives and goes as everywhere", async () => {
  await environment.apply({
    apiVersion: "customdomains.dev/v1",
    kind: "CustomDomain",
    metadata: { name: "shop", namespace: "lindqvist", labels: { team: "web" }, annotations: { "example.dev/note": "kept" } },
    spec: { domain: "shop.lindqvistkeramik.se" },
  });
  await publishAsked(environment, "lindqvist", "shop");
  const domain = await untilVerified(environment, "lindqvist", "shop");
  // What the operator does not know of is there still after it has set its finalizer and label.
  expect(domain.metadata).toMatchObject({ labels: { team: "web" }, annotations: { "example.dev/note": "kept" } });
  expect(hostnamesAt(environment)).toEqual(["shop.lindqvistkeramik.se"]);
  await environment.delete("CustomDomain", "lindqvist", "shop");
  await untilGone(environment, "lindqvist", "shop");
  expect(hostnamesAt(environment)).toEqual([]);
  expect(environment.operator?.log).toContain("the server does not stream initial events: listing");
});
