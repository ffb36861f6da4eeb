import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { RealServer } from "./real-server.testing.ts";
import { SecretStore, type SecretValue } from "./secrets.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
const SECRETS = "/api/v1/namespaces/default/secrets";
const OPERATOR = "operator";

let server: RealServer;
const stopping: (() => Promise<void>)[] = [];

async function allow(...resourceNames: readonly string[]): Promise<void> {
  const rules = [{ apiGroups: [""], resources: ["secrets"], resourceNames, verbs: ["list", "watch"] }];
  await server.apply("PATCH", `${RBAC}/roles/reader`, { rules });
}

beforeAll(async () => {
  server = await RealServer.start();
  await server.apply("POST", `${RBAC}/roles`, { metadata: { name: "reader" }, rules: [] });
  await server.apply("POST", `${RBAC}/rolebindings`, {
    metadata: { name: "reader" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: OPERATOR }],
  });
  await allow("cloudflare", "missing", "short-lived", "empty");
  await server.apply("POST", SECRETS, { metadata: { name: "cloudflare" }, stringData: { token: "first" } });
  await server.apply("POST", SECRETS, { metadata: { name: "empty" }, stringData: { token: "" } });
  await server.apply("POST", SECRETS, { metadata: { name: "forbidden" }, stringData: { token: "not for you" } });
  const { transport } = server.access({ user: OPERATOR });
  const allowed = (): Promise<boolean> =>
    transport.request({ method: "GET", path: `${SECRETS}?fieldSelector=metadata.name%3Dmissing` }).then(
      () => true,
      () => false,
    );
  await waitUntil("the role to be known", allowed, { timeoutMs: 10_000 });
});
afterAll(() => server?.[Symbol.asyncDispose]());
afterEach(async () => {
  for (const stop of stopping.splice(0)) await stop();
});

interface Started {
  readonly secrets: SecretStore;
  readonly changed: string[];
  readonly logged: () => string;
  /** The value once it is the one wanted. */
  readonly settled: (name: string, key: string, wanted: (value: SecretValue) => boolean) => Promise<SecretValue>;
}

function start(): Started {
  const { transport, metrics, logger, log } = server.access({ user: OPERATOR });
  const changed: string[] = [];
  const secrets = new SecretStore({
    namespace: "default",
    transport,
    metrics,
    logger,
    random: () => 0,
    onChange: (name) => changed.push(name),
  });
  const stop = new AbortController();
  const running = secrets.run(stop.signal);
  stopping.push(() => {
    stop.abort();
    return running;
  });
  const settled = (name: string, key: string, wanted: (value: SecretValue) => boolean): Promise<SecretValue> =>
    waitUntil(
      `${name}/${key}`,
      () => {
        const value = secrets.read({ name, key });
        return wanted(value) && value;
      },
      { timeoutMs: 10_000, intervalMs: 10 },
    );
  return { secrets, changed, settled, logged: () => JSON.stringify(log) };
}

const known = (value: SecretValue): boolean => value.kind !== "unknown";

describe("a Secret's key", () => {
  test("is unknown until the watch has answered, then its value, and whoever asked is told", async () => {
    const { secrets, changed, settled } = start();
    expect(secrets.read({ name: "cloudflare", key: "token" })).toEqual({ kind: "unknown" });
    expect(changed).toEqual([]);
    const value = await settled("cloudflare", "token", known);
    expect(value).toEqual({ kind: "value", value: Buffer.from("first"), version: expect.stringMatching(/^[0-9a-f-]{36}\/\d+$/) });
    expect(new Set(changed)).toEqual(new Set(["cloudflare"]));
  });

  test("changes with the Secret, in value and version", async () => {
    const { changed, settled, logged } = start();
    const before = await settled("cloudflare", "token", known);
    const told = changed.length;
    await server.apply("PATCH", `${SECRETS}/cloudflare`, { stringData: { token: "second, rather secret" } });
    const after = await settled("cloudflare", "token", (value) => value.kind === "value" && value.value.toString() !== "first");
    expect(after).toMatchObject({ kind: "value", value: Buffer.from("second, rather secret") });
    expect(after).not.toMatchObject({ version: before.kind === "value" ? before.version : "" });
    expect(changed.length).toBeGreaterThan(told);
    expect(logged()).not.toMatch(/rather secret|c2Vjb25k/);
  });

  test("that is not in it, or empty, is missing, and the message says which", async () => {
    const { settled } = start();
    expect(await settled("cloudflare", "apiToken", known)).toEqual({
      kind: "missing",
      message: "Secret cloudflare in namespace default has no key apiToken",
    });
    expect(await settled("empty", "token", known)).toEqual({
      kind: "missing",
      message: "Secret empty in namespace default has no key token",
    });
  });
});

describe("a Secret", () => {
  test("that does not exist is missing until it does, and again when it is deleted", async () => {
    const { settled } = start();
    const missing = { kind: "missing", message: "Secret short-lived does not exist in namespace default" };
    expect(await settled("short-lived", "key", known)).toEqual(missing);
    await server.apply("POST", SECRETS, { metadata: { name: "short-lived" }, stringData: { key: "here" } });
    expect(await settled("short-lived", "key", ({ kind }) => kind === "value")).toMatchObject({ value: Buffer.from("here") });
    await server.apply("DELETE", `${SECRETS}/short-lived`);
    expect(await settled("short-lived", "key", ({ kind }) => kind === "missing")).toEqual(missing);
  });

  test("that the Role does not name is missing, the message says what to do, and granting it is noticed", async () => {
    const { changed, settled, logged } = start();
    expect(await settled("forbidden", "token", known)).toEqual({
      kind: "missing",
      message: "the operator may not read Secret forbidden: add it to its Role (chart value credentials.secretNames)",
    });
    expect(changed).toEqual(["forbidden"]);
    expect(logged()).not.toContain("not for you");
    await allow("cloudflare", "missing", "short-lived", "empty", "forbidden");
    expect(await settled("forbidden", "token", ({ kind }) => kind === "value")).toMatchObject({
      value: Buffer.from("not for you"),
    });
    expect(changed.length).toBeGreaterThan(1);
  });
});

test("what was asked for before it runs is watched once it does; stopping ends every watch", async () => {
  const { transport, metrics, logger } = server.access({ user: OPERATOR });
  const options = { namespace: "default", transport, metrics, logger, random: () => 0, onChange: () => {} };
  const secrets = new SecretStore(options);
  secrets.read({ name: "cloudflare", key: "token" });
  const stop = new AbortController();
  const running = secrets.run(stop.signal);
  await waitUntil("the value", () => secrets.read({ name: "cloudflare", key: "token" }).kind === "value", { timeoutMs: 10_000 });
  stop.abort();
  await running;
  expect(secrets.read({ name: "cloudflare", key: "token" }).kind).toBe("value");
  expect(secrets.read({ name: "missing", key: "token" }).kind).toBe("unknown");
});
