import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { billingAccountSpecSchema } from "../../src/api/v1/billing-account.ts";
import { customDomainSpecSchema } from "../../src/api/v1/custom-domain.ts";
import { customDomainClassSpecSchema } from "../../src/api/v1/custom-domain-class.ts";
import { customDomainRouteSpecSchema } from "../../src/api/v1/custom-domain-route.ts";
import { domainClaimSpecSchema } from "../../src/api/v1/domain-claim.ts";
import { canonicalName } from "../../src/core/hostname.ts";
import { kinds } from "../../tools/generate/kinds.ts";
import { kubectl } from "../tools/kubectl.ts";
import {
  type Changes,
  condition,
  type KindName,
  minimal,
  NAMESPACE,
  NOW,
  type RefusalCase,
  type TestObject,
  withChanges,
} from "./crd-cases.ts";
import { boundCases } from "./crd-cases-bounds.ts";
import { customDomainClassCases } from "./crd-cases-class.ts";
import { customDomainCases, domainNames } from "./crd-cases-domain.ts";
import { otherCases } from "./crd-cases-others.ts";
import { ruleMessages } from "./crd-rules.ts";
import { type Answer, type Cause, CustomResources, type StoredObject, type WriteOptions } from "./crd-server.ts";

/** A first build of the control plane takes minutes; after that this is never reached. */
const kindNameSchema = z.enum(["CustomDomain", "CustomDomainClass", "BillingAccount", "DomainClaim", "CustomDomainRoute"]);

const START_MS = 30 * 60_000;
const TIMEOUT = 60_000;

const ruleCases = [...customDomainCases, ...customDomainClassCases, ...otherCases];

const DRY_RUN: WriteOptions = { dryRun: true };

let server: CustomResources;
let nextCase = 1;

beforeAll(async () => {
  server = await CustomResources.start();
}, START_MS);

afterAll(() => server?.stop());

describe("the generated CRDs", { timeout: TIMEOUT }, () => {
  test("are established and structural", async () => {
    const definitions = await server.definitions();
    const conditions = definitions.map(({ status }) =>
      status.conditions.map(({ type, status: value }) => `${type}=${value}`).sort(),
    );
    expect(conditions).toEqual(kinds.map(() => ["Established=True", "NamesAccepted=True"]));
  });

  test("are the same in config/crd", async () => {
    const { controlPlane } = server;
    const args = ["diff", "--server-side", "--force-conflicts", "-k", join(import.meta.dirname, "../../config/crd")];
    const { code, stdout, stderr } = await kubectl(controlPlane.kubectl, controlPlane.kubeconfig, args);
    expect({ code, differences: stdout.split("\n").filter((line) => /^[+-] {2,}/.test(line)), stderr }).toEqual({
      code: 0,
      differences: [],
      stderr: "",
    });
  });

  test("have a case for every rule", () => {
    const judged = new Set(ruleCases.map(({ kind, field, says }) => `${kind} ${field.replaceAll(/\[\d+\]/g, "[]")}: ${says}`));
    expect(kinds.flatMap(ruleMessages).filter((rule) => !judged.has(rule))).toEqual([]);
  });
});

describe("a mistake", { timeout: TIMEOUT }, () => {
  test.each(ruleCases.map(titled))("%s", async (_, mistake) => {
    const { bad, good } = await bothWays(mistake);
    const said = causesOf(bad).filter(({ message }) => message.endsWith(`: ${mistake.says}`));
    expect(said.map(({ field }) => field)).toEqual([mistake.field]);
    expect(good).toMatchObject({ accepted: true });
  });

  test.each(boundCases.map(titled))("%s", async (_, mistake) => {
    const { bad, good } = await bothWays(mistake);
    expect(bad).toMatchObject({ accepted: false, message: expect.stringContaining(mistake.says) });
    expect(good).toMatchObject({ accepted: true });
  });

  test("in a domain is told in one sentence", async () => {
    const object = minimal("CustomDomain", "one-sentence");
    const answers = await Promise.all(domainNames.map(({ bad }) => server.create(withChanges(object, bad), DRY_RUN)));
    expect(answers.map((answer) => causesOf(answer).length)).toEqual(answers.map(() => 1));
  });
});

describe("defaults", { timeout: TIMEOUT }, () => {
  const schemas: Readonly<Record<KindName, z.ZodType>> = {
    CustomDomain: customDomainSpecSchema,
    CustomDomainClass: customDomainClassSpecSchema,
    BillingAccount: billingAccountSpecSchema,
    DomainClaim: domainClaimSpecSchema,
    CustomDomainRoute: customDomainRouteSpecSchema,
  };

  test.each(Object.entries(schemas))("of %s are those of its schema", async (kind, schema) => {
    const object = minimal(kindName(kind), `defaults-${kind.toLowerCase()}`);
    const { spec } = stored(await server.create(object, DRY_RUN));
    expect(spec).toEqual(schema.parse(object.spec));
  });

  test("fill a class that sets one member of each group", async () => {
    const object = withChanges(minimal("CustomDomainClass", "groups"), {
      "spec.billing.accounts": "Optional",
      "spec.policy.allowRetain": true,
      "spec.dns.apex.mode": "Unsupported",
      "spec.cloudflare.ssl.method": "http",
    });
    const { spec } = stored(await server.create(object, DRY_RUN));
    expect(spec).toEqual(customDomainClassSpecSchema.parse(object.spec));
    expect(spec).toMatchObject({ policy: { overridableSSLFields: ["minTLSVersion"], maxDomainsPerNamespace: 100 } });
  });
});

describe("names", { timeout: TIMEOUT }, () => {
  const policy = { platformDomains: [], reservedDomains: [], allowedDomains: [], foldWww: true, refuseExampleDomains: false };

  test.each([
    "acme.com",
    " Acme.COM \t",
    "münchen.de",
    "MÜNCHEN.DE.",
    "xn--mnchen-3ya.de",
    "bücher。com",
    "例え.jp",
    "a--b.com",
    "www.xn--bcher-kva.co.uk",
    "1and1.com",
    "0x.com",
    "\u3000acme.com\u00a0",
    "ایران.com",
  ])("%j is accepted, as the name pipeline does", async (domain) => {
    const answer = await server.create(withChanges(minimal("CustomDomain", "name"), { "spec.domain": domain }), DRY_RUN);
    expect({ server: answer.accepted, pipeline: canonicalName(domain, policy).ok }).toEqual({ server: true, pipeline: true });
  });

  test.each(domainNames.map(titled))("that are refused are refused by the name pipeline too: %s", (_, { bad }) => {
    expect(canonicalName(String(bad["spec.domain"]), policy).ok).toBe(false);
  });

  test("that only the name pipeline can judge are accepted", async () => {
    const object = withChanges(minimal("CustomDomain", "suffix"), { "spec.domain": "co.uk" });
    expect(await server.create(object, DRY_RUN)).toMatchObject({ accepted: true, object: { spec: { domain: "co.uk" } } });
  });
});

describe("status", { timeout: TIMEOUT }, () => {
  test("is written beside spec and leaves the generation alone", async () => {
    const created = await put("CustomDomain", "beside");
    const both = withChanges(created, { "status.domain": "beside.se", "spec.suspend": true });
    const viaStatus = stored(await server.replace(both, { subresource: "status" }));
    expect(viaStatus).toMatchObject({ metadata: { generation: 1 }, spec: { suspend: false }, status: { domain: "beside.se" } });
    const { resourceVersion } = viaStatus.metadata;
    const changed = withChanges(both, { "metadata.resourceVersion": resourceVersion, "status.domain": "other.se" });
    const viaSpec = stored(await server.replace(changed));
    expect(viaSpec).toMatchObject({ metadata: { generation: 2 }, spec: { suspend: true }, status: { domain: "beside.se" } });
  });

  test("does not exist on DomainClaim: holder and state change in one write", async () => {
    const claim = await put("DomainClaim", "one-write.se");
    const proven = withChanges(claim, { "spec.state": "Proven", "spec.provenTime": NOW, "spec.holder.uid": "another" });
    expect(await server.replace(proven, { subresource: "status" })).toMatchObject({ accepted: false, status: 404 });
    expect(stored(await server.replace(proven)).spec).toMatchObject({ state: "Proven", holder: { uid: "another" } });
  });
});

describe("field selectors", { timeout: TIMEOUT }, () => {
  test("find CustomDomains by canonical name and by class", async () => {
    for (const name of ["first", "second"]) {
      const created = await put("CustomDomain", name, { "spec.className": `class-of-${name}` });
      stored(await server.replace(withChanges(created, { "status.domain": `${name}.se` }), { subresource: "status" }));
    }
    expect(await server.select("CustomDomain", "status.domain=second.se")).toEqual(["second"]);
    expect(await server.select("CustomDomain", "spec.className=class-of-first")).toEqual(["first"]);
  });

  test.each(
    kinds.flatMap(({ resource, selectableFields }) => selectableFields.map((field) => [resource.kind, field.slice(1)] as const)),
  )("of %s know %s", async (kind, field) => {
    expect(await server.select(kindName(kind), `${field}=nobody-has-this`)).toEqual([]);
  });
});

test("kubectl get shows what is going on", { timeout: TIMEOUT }, async () => {
  const created = await put("CustomDomain", "shown", { "spec.domain": "Shown.se" });
  const waiting = condition({ status: "False", reason: "RecordMissing", message: "Add the TXT record." });
  const hostnames = [
    { hostname: "shown.se", role: "Primary", zoneID: "z", status: "pending", sslStatus: "initializing", errors: [] },
  ];
  const seen = withChanges(created, { ...waiting, "status.hostnames": hostnames });
  stored(await server.replace(seen, { subresource: "status" }));
  const { kubectl: binary, kubeconfig } = server.controlPlane;
  const { stdout } = await kubectl(binary, kubeconfig, ["get", "cdom", "shown", "-n", NAMESPACE, "-o", "wide"]);
  const [header, row] = stdout.split("\n").map((line) => line.split(/ {2,}/));
  expect(header).toEqual([
    ...["NAME", "DOMAIN", "READY", "REASON", "DNS", "CERT", "VERIFIED", "AGE"],
    ...["CF-STATUS", "SSL-STATUS", "BILLING", "NEXT-CHECK", "MESSAGE"],
  ]);
  expect(row?.slice(0, 4)).toEqual(["shown", "Shown.se", "False", "RecordMissing"]);
  expect(row).toContain("pending");
  expect(row).toContain("Add the TXT record.");
});

function titled(mistake: RefusalCase): [string, RefusalCase] {
  return [`${mistake.kind} ${JSON.stringify(mistake.bad)}: ${mistake.says}`, mistake];
}

/** Writes the mistake and its correction; nothing is stored but what a rule about changes, or a status, needs. */
async function bothWays(mistake: RefusalCase): Promise<{ bad: Answer; good: Answer }> {
  const name = `case-${nextCase++}`;
  const { kind, field, before } = mistake;
  const isStatus = field.startsWith("status");
  if (!isStatus && before === undefined) return attempt(mistake, minimal(kind, name), (object) => server.create(object, DRY_RUN));
  const base = await put(kind, name, before);
  return attempt(mistake, base, (object) => server.replace(object, isStatus ? { ...DRY_RUN, subresource: "status" } : DRY_RUN));
}

async function attempt({ bad, good }: RefusalCase, base: TestObject, write: (object: TestObject) => Promise<Answer>) {
  return { bad: await write(withChanges(base, bad)), good: await write(withChanges(base, good)) };
}

/** Stores an object and returns it with its resourceVersion, ready to be replaced. */
async function put(kind: KindName, name: string, changes: Changes = {}): Promise<TestObject> {
  const object = withChanges(minimal(kind, name), changes);
  const { metadata } = stored(await server.create(object));
  return { ...object, metadata: { ...object.metadata, ...metadata } };
}

function stored(answer: Answer): StoredObject {
  if (!answer.accepted) throw new Error(answer.message);
  return answer.object;
}

function causesOf(answer: Answer): readonly Cause[] {
  return answer.accepted ? [] : answer.causes;
}

function kindName(kind: string): KindName {
  return kindNameSchema.parse(kind);
}
