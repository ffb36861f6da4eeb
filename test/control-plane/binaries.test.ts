import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BINARY_NAMES, type BinaryName, type BinaryRequest, ensureBinaries } from "./binaries.ts";
import { pinnedVersions } from "./versions.ts";

const KUBERNETES_NAMES = BINARY_NAMES.filter((name) => name !== "etcd");
const cleanups: (() => unknown)[] = [];
let home: string;
let offline: NodeJS.ProcessEnv;
let progress: string[];
let built: BinaryName[][];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "binaries-test-"));
  cleanups.push(() => rm(home, { recursive: true }));
  offline = {
    ...process.env,
    KUBEBUILDER_ASSETS: "",
    XDG_CACHE_HOME: home,
    CONTROL_PLANE_DOWNLOAD_URL: "",
    CONTROL_PLANE_ETCD_DOWNLOAD_URL: "",
  };
  progress = [];
  built = [];
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

describe("KUBEBUILDER_ASSETS", () => {
  test("comes first, and needs nothing else", async () => {
    const assets = await assetsWith(...BINARY_NAMES);
    const { etcd, kubectl } = await ensure({ KUBEBUILDER_ASSETS: assets });
    expect([etcd, kubectl]).toEqual([join(assets, "etcd"), join(assets, "kubectl")]);
    expect(await readdir(home)).toEqual(["assets"]);
  });

  test("what setup-envtest leaves out comes from elsewhere", async () => {
    const assets = await assetsWith("etcd", "kube-apiserver", "kubectl");
    const { kubeApiserver, kubeControllerManager } = await ensure({ KUBEBUILDER_ASSETS: assets });
    expect(kubeApiserver).toBe(join(assets, "kube-apiserver"));
    expect(await content(kubeControllerManager)).toBe("built kube-controller-manager");
  });

  test("without an API server it is a mistake", async () => {
    const assets = await assetsWith("etcd");
    await expect(ensure({ KUBEBUILDER_ASSETS: assets })).rejects.toThrow("KUBEBUILDER_ASSETS");
  });
});

describe("downloads", () => {
  test("published binaries whose SHA-256 is right are used, and kept", async () => {
    const site = await publish();
    const binaries = await ensure(site.env);
    expect(built).toEqual([]);
    expect(await content(binaries.etcd)).toBe("published etcd");
    expect(await content(binaries.kubectl)).toBe("published kubectl");
    expect((await stat(binaries.etcd)).mode & 0o777).toBe(0o755);
    expect(await readdir(dirname(binaries.etcd))).toEqual([...BINARY_NAMES, "manifest.json"].sort());

    const requests = site.requests.length;
    expect(await ensure(site.env)).toEqual(binaries);
    expect(site.requests).toHaveLength(requests);
  });

  test.each(["kubectl", "etcd"] as const)("a wrong SHA-256 means that %s is built instead", async (name) => {
    const site = await publish({ wrong: name });
    const binaries = await ensure(site.env);
    expect(built).toEqual([[name]]);
    expect(await content(binaries[name])).toBe(`built ${name}`);
    expect(await content(binaries.kubeApiserver)).toBe("published kube-apiserver");
    expect(progress.find((line) => line.startsWith(`${name} was not downloaded`))).toContain("SHA-256");
  });

  test("what is not published is built", async () => {
    const site = await publish({ absent: "kube-controller-manager" });
    await ensure(site.env);
    expect(built).toEqual([["kube-controller-manager"]]);
    expect(progress.join("\n")).toContain("HTTP status 404");
  });

  test("a server that never answers costs three seconds", { timeout: 15_000 }, async () => {
    const url = await silentServer();
    const started = performance.now();
    await ensure({ CONTROL_PLANE_DOWNLOAD_URL: url, CONTROL_PLANE_ETCD_DOWNLOAD_URL: url });
    const elapsed = performance.now() - started;
    expect(built).toEqual([[...BINARY_NAMES]]);
    expect(elapsed).toBeGreaterThan(2_500);
    expect(elapsed).toBeLessThan(4_000);
  });
});

describe("the cache", () => {
  test("a binary shorter than when it was finished is not used", async () => {
    const { kubectl } = await ensure();
    await truncate(kubectl, 3);
    expect(await content((await ensure()).kubectl)).toBe("built kubectl");
    expect(built).toHaveLength(2);
  });

  test("a directory without its manifest is not used", async () => {
    const { etcd } = await ensure();
    await rm(join(dirname(etcd), "manifest.json"));
    await ensure();
    expect(built).toHaveLength(2);
  });

  test("a build that fails half-way leaves nothing behind", async () => {
    const failing = async ({ dir }: BinaryRequest) => {
      await writeFile(join(dir, "kubectl"), "half");
      throw new Error("the disk is full");
    };
    await expect(ensureBinaries({ env: offline, build: failing })).rejects.toThrow("the disk is full");
    expect(await readdir(join(home, "custom-domain-operator"))).toEqual([]);
    expect(await content((await ensure()).kubectl)).toBe("built kubectl");
  });

  test("a build that forgets one is an error", async () => {
    const forgetful = (request: BinaryRequest) => build({ ...request, names: ["etcd"] });
    await expect(ensureBinaries({ env: offline, build: forgetful })).rejects.toThrow("ENOENT");
  });

  test("who comes while it is being filled waits for the result", async () => {
    const all = await Promise.all([ensure(), ensure(), ensure()]);
    expect(built).toHaveLength(1);
    expect(new Set(all.map(({ etcd }) => etcd)).size).toBe(1);
    expect(progress.filter((line) => line.startsWith(`waiting for process ${process.pid}`)).length).toBeGreaterThan(0);
  });

  test("the lock and the partial directory of a process that was killed are cleared away", async () => {
    const dead = await deadProcess();
    const { etcd } = await ensure();
    const dir = dirname(etcd);
    await rm(dir, { recursive: true });
    await writeFile(`${dir}.lock`, JSON.stringify({ pid: dead, host: hostname() }));
    await mkdir(`${dir}.partial-${hostname()}-${dead}-abcdef`);
    await ensure();
    expect(built).toHaveLength(2);
    expect(await readdir(dirname(dir))).toEqual([dir.slice(dirname(dir).length + 1)]);
  });
});

test("without Go and without downloads, the error says what to do", async () => {
  await expect(ensureBinaries({ env: { ...offline, PATH: home } })).rejects.toThrow("install Go, or set KUBEBUILDER_ASSETS");
});

function ensure(env: NodeJS.ProcessEnv = {}): ReturnType<typeof ensureBinaries> {
  return ensureBinaries({ env: { ...offline, ...env }, build, onProgress: (line) => progress.push(line) });
}

async function build({ dir, names }: BinaryRequest): Promise<void> {
  built.push([...names]);
  await Promise.all(names.map((name) => writeFile(join(dir, name), `built ${name}`)));
}

async function assetsWith(...names: BinaryName[]): Promise<string> {
  const dir = join(home, "assets");
  await mkdir(dir);
  for (const name of names) {
    await writeFile(join(dir, name), "asset");
    await chmod(join(dir, name), 0o755);
  }
  return dir;
}

/** A site laid out like dl.k8s.io and etcd's releases. */
async function publish(
  flaw: { wrong?: BinaryName; absent?: BinaryName } = {},
): Promise<{ env: NodeJS.ProcessEnv; requests: string[] }> {
  const { kubernetes, etcd } = pinnedVersions();
  const platform = [process.platform, process.arch === "x64" ? "amd64" : process.arch] as const;
  const files = new Map<string, Buffer>();
  const checksum = (name: BinaryName, file: Buffer) =>
    createHash("sha256")
      .update(flaw.wrong === name ? "something else" : file)
      .digest("hex");
  for (const name of KUBERNETES_NAMES.filter((name) => name !== flaw.absent)) {
    const path = `/release/${kubernetes}/bin/${platform.join("/")}/${name}`;
    const file = Buffer.from(`published ${name}`);
    files.set(path, file).set(`${path}.sha256`, Buffer.from(checksum(name, file)));
  }
  const release = `etcd-${etcd}-${platform.join("-")}`;
  const archive = await packed(release);
  files.set(`/etcd/${etcd}/${release}.tar.gz`, archive);
  files.set(`/etcd/${etcd}/SHA256SUMS`, Buffer.from(`00  other.tar.gz\n${checksum("etcd", archive)}  ${release}.tar.gz\n`));

  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    const file = files.get(request.url ?? "");
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  const url = await listening(server);
  return { env: { CONTROL_PLANE_DOWNLOAD_URL: url, CONTROL_PLANE_ETCD_DOWNLOAD_URL: `${url}/etcd` }, requests };
}

async function packed(release: string): Promise<Buffer> {
  await mkdir(join(home, release));
  await writeFile(join(home, release, "etcd"), "published etcd");
  const archive = join(home, "etcd.tar.gz");
  await once(spawn("tar", ["-czf", archive, "-C", home, `${release}/etcd`]), "close");
  return readFile(archive);
}

/** Accepts connections and says nothing. */
async function silentServer(): Promise<string> {
  const sockets: Socket[] = [];
  cleanups.push(() => sockets.map((socket) => socket.destroy()));
  return listening(createTcpServer((socket) => sockets.push(socket.on("error", () => {}))));
}

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  cleanups.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "close");
  return child.pid ?? 0;
}

function content(path: string): Promise<string> {
  return readFile(path, "utf8");
}
