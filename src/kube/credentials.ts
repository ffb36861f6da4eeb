import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";

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
    if (cluster === null) throw new Error("no cluster is configured: set KUBECONFIG or run inside a cluster");
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const authorization = authorizationOf(options);
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
