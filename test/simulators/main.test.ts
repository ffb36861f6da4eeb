import { Resolver } from "node:dns/promises";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { freePort } from "../control-plane/ports.ts";
import { isListening, Program } from "../harness/program.ts";
import { startWorld } from "./world.ts";

const SCRIPT = "test/simulators/main.ts";
const START_MS = 30_000;

const manifestsIn = (text: string) =>
  parseAllDocuments(text).map((document) => document.toJS() as { kind: string; metadata: { name: string; namespace?: string } });

test("the simulators start, tell where they are and how to connect, answer there, and end with SIGTERM", async () => {
  await using program = new Program(SCRIPT, ["--any-ports", "--namespace", "elsewhere"]);
  await program.printed(/^kind: CustomDomainClass$(?=.*^ +itemPriceID: \S)/ms, START_MS);
  const resolver = await program.printed(/^# DNS +(\S+) \(recursive\)/m, START_MS);
  const admins = [...program.stdout.matchAll(/admin (http:\S+)/g)].map(([, url = ""]) => url);
  expect(admins).toHaveLength(4);

  const dns = new Resolver();
  dns.setServers([resolver]);
  expect(await dns.resolve4("edge.saas-platform.dev")).toEqual(["127.0.0.21"]);
  expect(await Promise.all(admins.map(async (url) => (await fetch(url)).status))).toEqual([200, 200, 200, 200]);
  const [, key = "", subscription = ""] = /key (\S+), subscription (\S+);/.exec(program.stdout) ?? [];
  const chargebee = /^# Chargebee +(\S+),/m.exec(program.stdout)?.[1];
  const authorization = `Basic ${Buffer.from(`${key}:`).toString("base64")}`;
  expect((await fetch(`${chargebee}/subscriptions/${subscription}`, { headers: { authorization } })).status).toBe(200);

  // The whole output can be applied.
  expect(manifestsIn(program.stdout).map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual([
    ["Secret", "cloudflare", "elsewhere"],
    ["Secret", "chargebee", "elsewhere"],
    ["Secret", "domain-check", "elsewhere"],
    ["CustomDomainClass", "default", undefined],
  ]);

  program.signal("SIGTERM");
  expect(await program.end()).toBe(0);
  const ports = admins.map((url) => Number(new URL(url).port));
  expect(await Promise.all(ports.map((port) => isListening(port)))).toEqual([false, false, false, false]);
});

test("--manifests prints nothing but the manifests, and --help nothing but the help", async () => {
  await using manifests = new Program(SCRIPT, ["--any-ports", "--manifests"]);
  await manifests.printed(/^kind: CustomDomainClass$(?=.*^ +itemPriceID: \S)/ms, START_MS);
  expect(manifestsIn(manifests.stdout)).toHaveLength(4);
  expect(manifests.stdout).not.toContain("#");
  manifests.signal("SIGINT");
  expect(await manifests.end()).toBe(0);

  await using help = new Program(SCRIPT, ["--help"]);
  expect(await help.end()).toBe(0);
  expect(help.stdout).toMatch(/^Starts simulated DNS, Cloudflare, Chargebee and an edge.*5400 \(its admin\)/s);
});

test("every server takes the port that it is given", async () => {
  const names = ["dns", "dnsAdmin", "cloudflare", "chargebee", "http", "https", "edgeAdmin"] as const;
  const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()] as const)));
  const world = await startWorld({ ports });
  try {
    const { dns, cloudflare, chargebee, edge } = world;
    const [dnsAdmin, cloudflareAt, chargebeeAt, edgeAdmin] = [dns, cloudflare, chargebee, edge].map(({ url }) =>
      Number(new URL(url).port),
    );
    expect({
      dns: dns.port,
      dnsAdmin,
      cloudflare: cloudflareAt,
      chargebee: chargebeeAt,
      http: edge.httpPort,
      https: edge.httpsPort,
      edgeAdmin,
    }).toEqual(ports);
  } finally {
    await world.close();
  }
});
