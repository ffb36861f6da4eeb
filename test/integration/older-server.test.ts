import { afterAll, beforeAll, expect, it } from "vitest";
import { Environment } from "../harness/environment.ts";
import { connect, hostnamesAt, untilGone } from "../harness/journey.ts";

let environment: Environment;

beforeAll(async () => {
  environment = await Environment.start({ name: "older-server", apiServerArgs: ["--feature-gates=WatchList=false"] });
  await environment.startOperator();
  await environment.namespace("lindqvist");
});
afterAll(() => environment.stop());

it("an API server that does not stream the beginning of a watch is listed: a domain lives and goes as everywhere", async () => {
  await connect(environment, "lindqvist", "shop", "shop.lindqvistkeramik.se");
  expect(hostnamesAt(environment)).toEqual(["shop.lindqvistkeramik.se"]);
  await environment.delete("CustomDomain", "lindqvist", "shop");
  await untilGone(environment, "lindqvist", "shop");
  expect(hostnamesAt(environment)).toEqual([]);
  expect(environment.operator?.log).toContain("the server does not stream initial events: listing");
});
