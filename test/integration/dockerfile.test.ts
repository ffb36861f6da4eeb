import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { CustomDomainClass } from "../../src/api/v1/custom-domain-class.ts";
import { findCondition } from "../../src/core/conditions.ts";
import { freePort } from "../control-plane/ports.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { CLASS, Environment } from "../harness/environment.ts";
import { RELEASE, renderChart } from "../tools/helm.ts";
import { parseDockerfile } from "./dockerfile.ts";
import { type BuiltImage, buildImage, filesIn, isIgnored } from "./image-build.ts";

const ROOT = join(import.meta.dirname, "../..");
/** The time to install the build's dependencies, and to build the control plane where that is not cached. */
const SETUP_TIMEOUT = 20 * 60_000;
const TIMEOUT = 120_000;
const IMAGE_USER = 65_532;
/** Only root can run a process as another user; whoever else runs the tests is not root, which is what matters. */
const user = process.getuid?.() === 0 ? { uid: IMAGE_USER, gid: IMAGE_USER } : {};

let dir: string;
let dockerfile: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "image-"));
  await chmod(dir, 0o755);
  dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
});

afterAll(() => rm(dir, { recursive: true }));

describe("what the Dockerfile says", () => {
  test("both bases come from build arguments", () => {
    const bases = (args: Record<string, string>) => parseDockerfile(dockerfile, args).map(({ base }) => base);
    expect(bases({})).toEqual([expect.stringMatching(/^node:24/), expect.stringContaining("nodejs24")]);
    expect(bases({ BASE_BUILD: "localhost/build:1", BASE_RUNTIME: "localhost/node:24" })).toEqual([
      "localhost/build:1",
      "localhost/node:24",
    ]);
  });

  test("the build context holds nothing but what is copied", () => {
    const ignore = readFile(join(ROOT, ".dockerignore"), "utf8");
    const reaches = async (path: string) => !isIgnored(path, await ignore);
    const paths = [
      ".git/config",
      ".env",
      "node_modules/x/index.js",
      "dist/main.js",
      "test/integration/a.ts",
      "src/core/claim.test.ts",
    ];
    const wanted = ["package-lock.json", ".npmrc", "src/core/claim.ts"];
    return expect(Promise.all([...paths, ...wanted].map(reaches))).resolves.toEqual([
      ...paths.map(() => false),
      ...wanted.map(() => true),
    ]);
  });
});

describe("the image that it builds", { timeout: TIMEOUT }, () => {
  let image: BuiltImage;
  let node: string;

  beforeAll(async () => {
    image = await buildImage(parseDockerfile(dockerfile, { VERSION: "1.2.3", REVISION: "abc" }), ROOT, dir);
    node = join(dir, "node");
    await copyFile(process.execPath, node);
    await chmod(node, 0o755);
    const directory = join(image.root, image.workingDirectory);
    await chmod(directory, 0o555);
    return () => chmod(directory, 0o755);
  }, SETUP_TIMEOUT);

  /** Starts the entrypoint as the container would: its environment, its directory (which the user cannot write), no temporary directory. */
  function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
    const [program, ...entrypoint] = image.entrypoint;
    expect(program).toBe("node");
    const argv = [...entrypoint.map((word) => (word.startsWith("/") ? join(image.root, word) : word)), ...args];
    const cwd = join(image.root, image.workingDirectory);
    const own = { ...image.env, HOME: "/nonexistent", TMPDIR: join(image.root, "no-tmp"), ...env };
    return spawn(node, argv, { cwd, env: own, ...user, stdio: ["ignore", "pipe", "pipe"] });
  }

  test("holds one file, a runtime for a user that is not root, and says what it is", async () => {
    expect(await filesIn(image.root)).toEqual(["app/dist/main.js"]);
    expect(image).toMatchObject({ user: `${IMAGE_USER}:${IMAGE_USER}`, command: ["operator"], env: { NODE_ENV: "production" } });
    expect(image.labels).toMatchObject({
      "org.opencontainers.image.title": "custom-domain-operator",
      "org.opencontainers.image.licenses": "Apache-2.0",
      "org.opencontainers.image.version": "1.2.3",
      "org.opencontainers.image.revision": "abc",
    });
  });

  test("the directory cannot be written by the user of the image", async () => {
    const script = `require("fs").writeFileSync("probe", "")`;
    const probe = spawn(node, ["-e", script], {
      cwd: join(image.root, image.workingDirectory),
      ...user,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const [stderr, code] = await Promise.all([text(probe.stderr), exitCode(probe)]);
    expect(code).toBe(1);
    expect(stderr).toContain("EACCES");
  });

  test("answers --help", async () => {
    const child = start(["--help"]);
    const [stdout, code] = await Promise.all([outputOf(child.stdout), exitCode(child)]);
    expect(stdout).toContain("operator");
    expect(code).toBe(0);
  });

  test("with the chart's arguments and ServiceAccount it serves its class, and ends well when asked to", async () => {
    await using environment = await Environment.start({ name: "dockerfile" });
    const port = await freePort();
    const { args, env } = await chartContainer(port);
    const child = start(args, { ...env, KUBECONFIG: await readableKubeconfig(environment) });
    const log = createWriteStream(environment.logFile);
    const closed = once(child, "close");
    for (const stream of [child.stdout, child.stderr]) stream?.pipe(log, { end: false });
    try {
      const running = async () => {
        if (child.exitCode === null) return;
        throw new Error(`the operator ended with exit code ${child.exitCode}:\n${await readFile(environment.logFile, "utf8")}`);
      };
      const isLive = async () => {
        await running();
        return request(`http://127.0.0.1:${port}/livez`).then(
          async ({ statusCode, body }) => body.dump().then(() => statusCode === 200),
          () => false,
        );
      };
      expect(await waitUntil("/livez", isLive, { timeoutMs: 30_000 })).toBe(true);
      const isReady = async () => {
        await running();
        const { status } = (await environment.get<CustomDomainClass>("CustomDomainClass", CLASS)) ?? {};
        return findCondition(status?.conditions, "Ready")?.status === "True";
      };
      expect(await waitUntil("the class to be Ready", isReady, { timeoutMs: 30_000 })).toBe(true);
      child.kill("SIGTERM");
      expect(await exitCode(child)).toBe(0);
    } finally {
      child.kill("SIGKILL");
      await closed;
      await new Promise((resolve) => log.end(resolve));
    }
  });

  /** For the user of the image. */
  async function readableKubeconfig(environment: Environment): Promise<string> {
    await mkdir(join(dir, "config"));
    const path = join(dir, "config/kubeconfig");
    await copyFile(environment.kubeconfig, path);
    await chmod(path, 0o444);
    return path;
  }
});

const containerSchema = z.object({
  args: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
});

/** What the Deployment starts the operator with, on a loopback port. */
async function chartContainer(port: number): Promise<{ readonly args: string[]; readonly env: Record<string, string> }> {
  const deployment = (await renderChart()).find(({ kind }) => kind === "Deployment");
  const podSpec = z.object({ containers: z.tuple([containerSchema]) });
  const { spec } = z.object({ spec: z.object({ template: z.object({ spec: podSpec }) }) }).parse(deployment);
  const [{ args, env }] = spec.template.spec.containers;
  return {
    args: args.map((argument) =>
      argument
        .replace("$(POD_NAMESPACE)", RELEASE.namespace)
        .replace(/^--health-address=.*/, `--health-address=127.0.0.1:${port}`),
    ),
    // The one without a value is the pod's namespace.
    env: Object.fromEntries(env.map(({ name, value }) => [name, value ?? RELEASE.namespace])),
  };
}

function outputOf(stream: ChildProcess["stdout"]): Promise<string> {
  return stream === null ? Promise.resolve("") : text(stream);
}

function exitCode(child: ChildProcess): Promise<number | null> {
  return child.exitCode !== null ? Promise.resolve(child.exitCode) : new Promise((resolve) => child.once("exit", resolve));
}
