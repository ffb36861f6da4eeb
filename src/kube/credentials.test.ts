import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KubeConfigSource } from "./credentials.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kubeconfig-"));
  vi.stubEnv("KUBECONFIG", join(dir, "config"));
  vi.stubEnv("HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

const CLUSTER = { server: "https://127.0.0.1:6443" };

/** One context per user, named after it; the first is the current one. */
async function kubeconfig(users: Readonly<Record<string, object>>, cluster: object = CLUSTER, file = "config"): Promise<void> {
  const names = Object.keys(users);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: file, cluster }],
    users: names.map((name) => ({ name, user: users[name] })),
    contexts: names.map((name) => ({ name, context: { cluster: file, user: name } })),
    "current-context": names[0],
  };
  await writeFile(join(dir, file), JSON.stringify(config));
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("a user", () => {
  test("with a token", async () => {
    await kubeconfig({ bot: { token: "t0ken" } });
    expect(await new KubeConfigSource().load()).toEqual({
      server: new URL(CLUSTER.server),
      tls: {},
      authorization: "Bearer t0ken",
    });
  });

  test("with a token file, absolute or beside the kubeconfig, as it is now and without its line end", async () => {
    await writeFile(join(dir, "token"), "first\n");
    const source = new KubeConfigSource();
    for (const tokenFile of [join(dir, "token"), "token"]) {
      await kubeconfig({ bot: { tokenFile } });
      expect((await source.load()).authorization).toBe("Bearer first");
    }
    await writeFile(join(dir, "token.new"), "second\n");
    await rename(join(dir, "token.new"), join(dir, "token"));
    expect((await source.load()).authorization).toBe("Bearer second");
  });

  test("with a token and a token file uses the file, as kubectl does", async () => {
    await writeFile(join(dir, "token"), "from-file");
    await kubeconfig({ bot: { token: "inline", tokenFile: "token" } });
    expect((await new KubeConfigSource().load()).authorization).toBe("Bearer from-file");
  });

  test("with a token file that is missing is an error, not an anonymous user", async () => {
    await kubeconfig({ bot: { tokenFile: "token" } });
    await expect(new KubeConfigSource().load()).rejects.toThrow("ENOENT");
  });

  test("with a password", async () => {
    await kubeconfig({ bot: { username: "me", password: "pass:word" } });
    expect((await new KubeConfigSource().load()).authorization).toBe(`Basic ${base64("me:pass:word")}`);
  });

  test("with certificates, inline and as files that are read again", async () => {
    const source = new KubeConfigSource();
    await kubeconfig({ bot: { "client-certificate-data": base64("cert"), "client-key-data": base64("key") } });
    expect((await source.load()).tls).toEqual({ cert: Buffer.from("cert"), key: Buffer.from("key") });
    await Promise.all([writeFile(join(dir, "tls.crt"), "cert 1"), writeFile(join(dir, "tls.key"), "key 1")]);
    await kubeconfig({ bot: { "client-certificate": "tls.crt", "client-key": join(dir, "tls.key") } });
    expect((await source.load()).tls).toEqual({ cert: Buffer.from("cert 1"), key: Buffer.from("key 1") });
    await writeFile(join(dir, "tls.crt"), "cert 2");
    expect((await source.load()).tls.cert).toEqual(Buffer.from("cert 2"));
  });
});

describe("a cluster", () => {
  test("with its CA inline or as a file, another name, or unverified", async () => {
    const source = new KubeConfigSource();
    const user = { bot: { token: "t" } };
    await kubeconfig(user, { ...CLUSTER, "certificate-authority-data": base64("ca"), "tls-server-name": "kubernetes" });
    expect((await source.load()).tls).toEqual({ ca: Buffer.from("ca"), servername: "kubernetes" });
    await writeFile(join(dir, "ca.crt"), "ca from file");
    await kubeconfig(user, { ...CLUSTER, "certificate-authority": "ca.crt" });
    expect((await source.load()).tls).toEqual({ ca: Buffer.from("ca from file") });
    await kubeconfig(user, { ...CLUSTER, "insecure-skip-tls-verify": true });
    expect((await source.load()).tls).toEqual({ rejectUnauthorized: false });
  });

  test("is that of the current context, or of the one asked for", async () => {
    await kubeconfig({ one: { token: "1" }, two: { token: "2" } });
    expect((await new KubeConfigSource().load()).authorization).toBe("Bearer 1");
    expect((await new KubeConfigSource({ context: "two" }).load()).authorization).toBe("Bearer 2");
    await expect(new KubeConfigSource({ context: "three" }).load()).rejects.toThrow("no cluster is configured");
  });

  test("may stand in one of several files", async () => {
    await kubeconfig({ one: { token: "1" } });
    await writeFile(join(dir, "token"), "2");
    await kubeconfig({ two: { tokenFile: "token" } }, CLUSTER, "other");
    vi.stubEnv("KUBECONFIG", [join(dir, "config"), join(dir, "other")].join(delimiter));
    expect((await new KubeConfigSource({ context: "two" }).load()).authorization).toBe("Bearer 2");
  });

  test("that nobody configured is an error that says what to do", async () => {
    vi.stubEnv("KUBECONFIG", "");
    await expect(new KubeConfigSource().load()).rejects.toThrow("no cluster is configured: set KUBECONFIG");
  });
});
