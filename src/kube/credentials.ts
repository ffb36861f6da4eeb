import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { KubeConfig, loadYaml } from "@kubernetes/client-node";

/** What is needed to open a connection to the API server. */
export interface Credentials {
  readonly server: URL;
  readonly tls: {
    readonly ca?: string | Buffer;
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
  };
  readonly authorization?: string;
}

export interface CredentialSource {
  /** Reads files anew when asked to, so that rotated tokens and certificates are picked up without a restart. */
  load(): Promise<Credentials>;
}

/** What client-node falls back to when it finds nothing; plain HTTP is refused by it everywhere else. */
const NOT_CONFIGURED = "http://localhost:8080";

/** KUBECONFIG, `~/.kube/config` or the pod's service account, in the order of every Kubernetes client. */
export class KubeConfigSource implements CredentialSource {
  readonly #context: string | undefined;

  constructor(options: { readonly context?: string } = {}) {
    this.#context = options.context;
  }

  /** @throws Error when no cluster is configured. */
  async load(): Promise<Credentials> {
    // A new KubeConfig each time: client-node caches credentials by user name (facts: its issue #592).
    const config = new KubeConfig();
    config.loadFromDefault();
    if (this.#context !== undefined) config.setCurrentContext(this.#context);
    const cluster = config.getCurrentCluster();
    if (cluster === null || cluster.server === NOT_CONFIGURED) {
      throw new Error("no cluster is configured: set KUBECONFIG or run inside a cluster");
    }
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const token = await tokenFromFile(config.getCurrentUser()?.name);
    const authorization = token === undefined ? authorizationOf(options) : `Bearer ${token}`;
    return {
      server: new URL(cluster.server),
      tls: {
        ...tlsMember("ca", options.ca),
        ...tlsMember("cert", options.cert),
        ...tlsMember("key", options.key),
        ...(options.servername === undefined ? {} : { servername: options.servername }),
        ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
      },
      ...(authorization === undefined ? {} : { authorization }),
    };
  }
}

interface UserEntry {
  readonly name?: string;
  readonly user?: { readonly tokenFile?: string };
}

/**
 * The content of the user's `tokenFile`, which comes before its `token`. client-node 2.0.1 does not know this member of a
 * kubeconfig (it reads `token-file`, which nothing writes).
 * @throws Error when the file cannot be read.
 */
async function tokenFromFile(userName: string | undefined): Promise<string | undefined> {
  for (const file of kubeconfigFiles()) {
    const text = await readFile(file, "utf8").catch(() => "");
    const entries = loadYaml<{ readonly users?: readonly UserEntry[] } | undefined>(text)?.users ?? [];
    const entry = entries.find(({ name }) => name === userName);
    // The first file that has the user counts.
    if (entry === undefined) continue;
    const tokenFile = entry.user?.tokenFile;
    if (tokenFile === undefined || tokenFile === "") return undefined;
    return (await readFile(resolve(dirname(file), tokenFile), "utf8")).trim();
  }
  return undefined;
}

function kubeconfigFiles(): readonly string[] {
  const listed = (process.env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  return listed.length > 0 ? listed : [join(homedir(), ".kube", "config")];
}

function tlsMember<K extends string>(name: K, value: unknown): { [P in K]?: string | Buffer } {
  const one = Array.isArray(value) ? value[0] : value;
  if (typeof one === "string" || Buffer.isBuffer(one)) {
    const member: { [P in K]?: string | Buffer } = {};
    member[name] = one;
    return member;
  }
  return {};
}

function authorizationOf(options: RequestOptions): string | undefined {
  if (typeof options.auth === "string") return `Basic ${Buffer.from(options.auth).toString("base64")}`;
  if (options.headers === undefined || Array.isArray(options.headers)) return undefined;
  const header = Object.entries(options.headers).find(([name]) => name.toLowerCase() === "authorization")?.[1];
  return typeof header === "string" ? header.trim() : undefined;
}
