import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findCondition } from "../../src/core/conditions.ts";
import { Environment } from "../harness/environment.ts";
import { askedFor, conditionOf, connect, hostnamesAt, publishAsked, reasonOf, untilVerified } from "../harness/journey.ts";

let environment: Environment;

beforeAll(async () => {
  environment = await Environment.start({ name: "claims" });
  await environment.startOperator();
  for (const namespace of ["lindqvist", "marlow", "third"]) await environment.namespace(namespace);
});
afterAll(() => environment.stop());

const domain = (namespace: string, name: string) => environment.getDomain(namespace, name);

describe("two tenants and one name", () => {
  it("the first proof wins, the row is handed over, and nobody is told who the other is", async () => {
    await environment.domain("lindqvist", "contested", { domain: "contested.example-pottery.se" });
    await environment.until(
      "the first to be asked for records",
      async () => askedFor(await domain("lindqvist", "contested")).length >= 2,
    );
    const before = environment.world.cloudflare.ledger();
    await environment.domain("marlow", "contested", { domain: "Contested.Example-Pottery.se" });
    await environment.until(
      "the second to be told",
      async () => reasonOf(await domain("marlow", "contested"), "Claimed") === "CompetingProof",
    );
    const contender = await domain("marlow", "contested");
    expect(JSON.stringify(contender?.status)).not.toMatch(/lindqvist/);
    expect(contender?.status?.verified).toBe(false);
    await publishAsked(environment, "marlow", "contested");
    const live = await untilVerified(environment, "marlow", "contested");
    expect(reasonOf(live, "Claimed")).toBe("Claimed");
    await environment.passUntil(
      "the loser to be told",
      async () => reasonOf(await domain("lindqvist", "contested"), "Claimed") === "DomainAlreadyOwned",
      600_000,
    );
    const after = environment.world.cloudflare.ledger();
    expect({ created: after.createdRows - before.createdRows, deleted: after.deletes - before.deletes }).toEqual({
      created: 0,
      deleted: 0,
    });
    expect((await environment.claim("contested.example-pottery.se"))?.spec.holder?.namespace).toBe("marlow");
  });

  it("deleting the loser touches nothing", async () => {
    await environment.delete("CustomDomain", "lindqvist", "contested");
    await environment.until("its deletion", async () => (await domain("lindqvist", "contested")) === undefined);
    expect(hostnamesAt(environment)).toContain("contested.example-pottery.se");
    expect(conditionOf(await domain("marlow", "contested"), "Ready")).toBe("True");
  });
});

describe("one tenant and one name twice", () => {
  it("the second is told of the first by name, and takes over when that goes", async () => {
    await connect(environment, "third", "first", "once.example-pottery.dev");
    await environment.domain("third", "second", { domain: "once.example-pottery.dev" });
    await environment.until("the refusal", async () => reasonOf(await domain("third", "second"), "Claimed") === "DomainExists");
    expect(findCondition((await domain("third", "second"))?.status?.conditions, "Claimed")?.message).toMatch(
      /CustomDomain first/,
    );
    const id = (await domain("third", "first"))?.status?.id;
    await environment.delete("CustomDomain", "third", "first");
    await environment.passUntil(
      "the second to hold the name",
      async () => conditionOf(await domain("third", "second"), "Claimed") === "True",
      600_000,
    );
    await untilVerified(environment, "third", "second");
    expect((await domain("third", "second"))?.status?.id).not.toBe(id);
  });
});

describe("a restore that lost all status and made new uids", () => {
  it("creates nothing, deletes nothing and keeps verifiedAt", async () => {
    const live = await connect(environment, "lindqvist", "kept", "kept.lindqvistkeramik.se");
    const before = environment.world.cloudflare.ledger();
    await environment.operator?.stop();
    // What a backup tool does: the objects come back from their manifests, without status and without what the server assigns.
    await environment.patch("CustomDomain", "lindqvist", "kept", { metadata: { finalizers: [] } });
    await environment.delete("CustomDomain", "lindqvist", "kept");
    await environment.until("the object to be gone", async () => (await domain("lindqvist", "kept")) === undefined);
    await environment.domain("lindqvist", "kept", { domain: "kept.lindqvistkeramik.se" });
    await environment.startOperator();
    const restored = await untilVerified(environment, "lindqvist", "kept");
    expect(restored.metadata.uid).not.toBe(live.metadata.uid);
    expect(restored.status?.verifiedAt).toBe(live.status?.verifiedAt);
    expect(restored.status?.id).toBe(live.status?.id);
    expect(environment.world.cloudflare.ledger()).toMatchObject({
      posts: before.posts,
      deletes: before.deletes,
      patches: before.patches,
    });
  });
});
