import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CustomDomainRoute } from "../../src/api/v1/custom-domain-route.ts";
import { FaultTally } from "../chaos/fault-book.ts";
import { FaultyProxy } from "../chaos/faulty-proxy.ts";
import { SeededRandom } from "../chaos/seeded-random.ts";
import { readAuditLog } from "../control-plane/audit-log.ts";
import { writeKubeconfigFile } from "../control-plane/kubeconfig.ts";
import { CLASS, Environment, OPERATOR_USER } from "../harness/environment.ts";
import { connect, hostnamesAt, untilGone } from "../harness/journey.ts";
import { Operator } from "../harness/operator.ts";
import { RELEASE } from "../tools/helm.ts";

const lost = { finding: "no answer from the API server", because: "the proxy loses the answers to some writes on purpose" };
let environment: Environment;
let proxy: FaultyProxy;

beforeAll(async () => {
  environment = await Environment.start({ name: "lost-answers", allow: [lost] });
  const { controlPlane } = environment;
  const { server, caData } = controlPlane;
  proxy = await FaultyProxy.start({
    upstream: { server, caData },
    victim: "operator",
    random: new SeededRandom(1),
    tally: new FaultTally(),
  });
  const kubeconfig = join(controlPlane.dir, "through-proxy.kubeconfig");
  const token = await controlPlane.serviceAccountToken(RELEASE.namespace, "custom-domain-operator");
  await writeKubeconfigFile(kubeconfig, proxy.cluster, { token });
  environment.operator = await Operator.start({
    kubeconfig,
    namespace: RELEASE.namespace,
    logFile: environment.logFile,
    clockOffsetMs: 0,
  });
  await environment.namespace("lindqvist");
  environment.world.addSubscription("sub_lindqvist");
});
afterAll(async () => {
  await environment?.operator?.stop();
  await proxy?.[Symbol.asyncDispose]();
  await environment?.stop();
});

/** The operator's GETs of objects of a kind. */
async function reads(resource: string): Promise<number> {
  const { events } = await readAuditLog(environment.controlPlane.auditLog, {
    where: ({ verb, user, objectRef }) => verb === "get" && user.username === OPERATOR_USER && objectRef?.resource === resource,
  });
  return events.length;
}

/** Loses the answer to the next write of a kind, which is carried out all the same, and waits until `settled`. */
async function losing(resource: string, cause: () => Promise<void>, settled: () => Promise<boolean>): Promise<void> {
  const before = await reads(resource);
  const lost = proxy.faults.plant({
    kind: "reset after applying",
    times: 1,
    where: (asked) => asked.shape === "write" && asked.resource === resource,
  });
  await cause();
  await environment.passUntil(`an answer about ${resource} to be lost`, () => lost.fired === 1, 600_000, 1_000);
  await environment.passUntil(`${resource} to be looked at`, async () => (await reads(resource)) > before, 600_000, 1_000);
  await environment.passUntil(`${resource} to be settled`, settled, 600_000, 1_000);
  expect(lost.fired).toBe(1);
}

describe("a write whose answer was lost is looked at before the next decision", () => {
  it("of a CustomDomain", async () => {
    await losing(
      "customdomains",
      () => environment.domain("lindqvist", "shop", { domain: "shop.lindqvistkeramik.se" }),
      async () => (await environment.getDomain("lindqvist", "shop"))?.status?.observedGeneration === 1,
    );
    await connect(environment, "lindqvist", "shop", "shop.lindqvistkeramik.se");
    expect(hostnamesAt(environment)).toEqual(["shop.lindqvistkeramik.se"]);
  });

  it("of a BillingAccount: the quantity is written once", async () => {
    await losing(
      "billingaccounts",
      () =>
        environment.apply({
          apiVersion: "customdomains.dev/v1",
          kind: "BillingAccount",
          metadata: { name: CLASS, namespace: "lindqvist" },
          spec: { subscriptionID: "sub_lindqvist", freeQuantity: 0 },
        }),
      async () => environment.world.chargebee.quantity("sub_lindqvist", environment.world.connection.itemPriceID) === 1,
    );
    const { unchangedWrites, overlaps, keyConflicts } = environment.world.chargebee.counters();
    expect({ unchangedWrites, overlaps, keyConflicts }).toEqual({ unchangedWrites: 0, overlaps: 0, keyConflicts: 0 });
  });

  it("of a CustomDomainRoute", async () => {
    await losing(
      "customdomainroutes",
      () =>
        environment.apply({
          apiVersion: "customdomains.dev/v1",
          kind: "CustomDomainRoute",
          metadata: { name: "root", namespace: "lindqvist" },
          spec: { domainRef: { name: "shop" }, backendRef: { name: "web", port: 80 } },
        }),
      async () => (await environment.get<CustomDomainRoute>("CustomDomainRoute", "root", "lindqvist"))?.status !== undefined,
    );
  });

  it("of a CustomDomainClass", async () => {
    const patch = { spec: { dns: { acceptedTargets: ["old-edge.saas-platform.dev"] } } };
    const path = `/apis/customdomains.dev/v1/customdomainclasses/${CLASS}`;
    const observed = async () => {
      const { body } = await environment.controlPlane.request("GET", path);
      const { metadata, status } = body as {
        readonly metadata: { readonly generation: number };
        readonly status?: { readonly observedGeneration?: number };
      };
      return status?.observedGeneration === metadata.generation;
    };
    await losing(
      "customdomainclasses",
      async () => {
        const { status } = await environment.controlPlane.request("PATCH", path, patch, "application/merge-patch+json");
        expect(status).toBe(200);
      },
      observed,
    );
  });

  it("of a deletion: nothing is left, and nothing was made twice", async () => {
    await losing(
      "domainclaims",
      () => environment.delete("CustomDomain", "lindqvist", "shop"),
      async () => (await environment.getDomain("lindqvist", "shop")) === undefined,
    );
    await untilGone(environment, "lindqvist", "shop");
    expect(hostnamesAt(environment)).toEqual([]);
    expect(environment.world.cloudflare.ledger()).toMatchObject({ createdRows: 1, posts: 1 });
  });
});
