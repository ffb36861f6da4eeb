import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EnvHttpProxyAgent, fetch, type Response } from "undici";
import type { BinaryName, BinaryRequest } from "./binaries.ts";

/** How long a server has to answer before it counts as unreachable, and how long it may then be silent. */
const REACH_MS = 3_000;
const SILENCE_MS = 30_000;

interface Artifact {
  readonly name: BinaryName;
  readonly url: string;
  readonly checksumURL: string;
  /** Finds the SHA-256 of this artifact in the text of its checksum file. */
  readonly checksum: (text: string) => string | undefined;
  /** The path of the binary inside the artifact, when that is a gzipped tar. */
  readonly member?: string;
}

/**
 * Downloads what is published, checks it against the published SHA-256, and returns what it got; never throws for what it did not get,
 * since everything can be built instead. No server that does not answer costs more than three seconds.
 *
 * Kubernetes: `<base>/release/<version>/bin/<os>/<arch>/<name>` and the same with `.sha256`; base is `CONTROL_PLANE_DOWNLOAD_URL`, or
 * https://dl.k8s.io. etcd is not published there: `<base>/<version>/etcd-<version>-<os>-<arch>.tar.gz` and `<base>/<version>/SHA256SUMS`;
 * base is `CONTROL_PLANE_ETCD_DOWNLOAD_URL`, or etcd's releases on GitHub. Set to nothing, either means: do not download.
 */
export async function download(request: BinaryRequest): Promise<ReadonlySet<BinaryName>> {
  const { NO_PROXY, no_proxy } = process.env;
  const noProxy = [no_proxy ?? NO_PROXY ?? "", "localhost", "127.0.0.1"].join(",");
  const agent = new EnvHttpProxyAgent({ noProxy, connect: { timeout: REACH_MS }, bodyTimeout: SILENCE_MS });
  const got = new Set<BinaryName>();
  try {
    await Promise.all(
      artifacts(request).map(async (artifact) => {
        try {
          await downloadOne(artifact, request, agent);
          got.add(artifact.name);
          request.onProgress(`downloaded ${artifact.name} from ${artifact.url}`);
        } catch (error) {
          request.signal?.throwIfAborted();
          request.onProgress(`${artifact.name} was not downloaded from ${artifact.url}: ${reason(error)}`);
        }
      }),
    );
  } finally {
    await agent.destroy();
  }
  return got;
}

function artifacts({ names, versions, platform, env }: BinaryRequest): Artifact[] {
  const { os, arch } = platform;
  const kubernetes = env.CONTROL_PLANE_DOWNLOAD_URL ?? "https://dl.k8s.io";
  const etcd = env.CONTROL_PLANE_ETCD_DOWNLOAD_URL ?? "https://github.com/etcd-io/etcd/releases/download";
  return names.flatMap((name): Artifact[] => {
    if (name === "etcd") {
      const release = `etcd-${versions.etcd}-${os}-${arch}`;
      const checksum = (text: string) =>
        text
          .split("\n")
          .find((line) => line.endsWith(` ${release}.tar.gz`))
          ?.split(" ")[0];
      const base = `${etcd}/${versions.etcd}`;
      const url = `${base}/${release}.tar.gz`;
      return etcd === "" ? [] : [{ name, url, checksumURL: `${base}/SHA256SUMS`, checksum, member: `${release}/etcd` }];
    }
    const url = `${kubernetes}/release/${versions.kubernetes}/bin/${os}/${arch}/${name}`;
    return kubernetes === "" ? [] : [{ name, url, checksumURL: `${url}.sha256`, checksum: (text) => text.trim().split(/\s/)[0] }];
  });
}

async function downloadOne(artifact: Artifact, request: BinaryRequest, agent: EnvHttpProxyAgent): Promise<void> {
  const checksums = await answer(artifact.checksumURL, request, agent);
  const expected = artifact.checksum(await checksums.text());
  if (expected === undefined) {
    throw new Error("no checksum is published for it");
  }
  const response = await answer(artifact.url, request, agent);
  if (response.body === null) {
    throw new Error("the answer is empty");
  }
  const file = join(request.dir, `${artifact.name}.download`);
  try {
    const hash = createHash("sha256");
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(response.body, hashing, createWriteStream(file));
    const actual = hash.digest("hex");
    if (actual !== expected) {
      throw new Error(`its SHA-256 is ${actual}, but ${expected} is published`);
    }
    const target = join(request.dir, artifact.name);
    await (artifact.member === undefined ? rename(file, target) : extract(file, artifact.member, target));
    await chmod(target, 0o755);
  } finally {
    await rm(file, { force: true });
  }
}

async function answer(url: string, request: BinaryRequest, agent: EnvHttpProxyAgent): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error(`no answer within ${REACH_MS / 1000} s`)), REACH_MS);
  const signals = request.signal === undefined ? [patience.signal] : [patience.signal, request.signal];
  try {
    const response = await fetch(url, { dispatcher: agent, signal: AbortSignal.any(signals) });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`HTTP status ${response.status}`);
    }
    return response;
  } finally {
    clearTimeout(timer);
  }
}

async function extract(archive: string, member: string, target: string): Promise<void> {
  const tar = spawn("tar", ["-xzOf", archive, member], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise<void>((resolve, reject) => {
    tar.once("error", reject);
    tar.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`tar could not extract ${member}`))));
  });
  await Promise.all([pipeline(tar.stdout, createWriteStream(target)), ended]);
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
