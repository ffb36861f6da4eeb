import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AdminClient, type ApiAnswer } from "./admin-client.ts";
import { type Binaries, ensureBinaries } from "./binaries.ts";
import type { KeyPair } from "./certificates.ts";
import { apiServerArguments, CONTROLLERS, controllerManagerArguments, etcdArguments, type Ports } from "./components.ts";
import { compact, isHealthy } from "./etcd.ts";
import { type Identity, writeIdentity } from "./identity.ts";
import { type Credentials, writeKubeconfigFile } from "./kubeconfig.ts";
import type { ControlPlaneOptions, TokenOptions } from "./options.ts";
import { freePort } from "./ports.ts";
import { type Exit, ProcessGroup } from "./process-group.ts";
import { type Check, Server } from "./server.ts";

const ETCD = "etcd";
const API_SERVER = "kube-apiserver";
const CONTROLLER_MANAGER = "kube-controller-manager";
/** An API server that is asked to end waits for the requests it has; past this it is not waited for. */
const GRACE_MS = 10_000;

/**
 * A Kubernetes control plane of its own: etcd, kube-apiserver and kube-controller-manager on free loopback ports, in a fresh directory.
 * It ends with whoever started it, however that ends (supervisor.ts), and without leaving a process or the directory.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const toStandardError = (line: string) => process.stderr.write(`${line}\n`);
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const binaries = options.binaries ?? (await ensureBinaries({ onProgress: options.onProgress ?? toStandardError, ...signal }));
  for (let attempt = 1; ; attempt++) {
    try {
      return await ControlPlane.start(binaries, options);
    } catch (error) {
      const portTaken = error instanceof Error && error.message.includes("address already in use");
      if (!portTaken || attempt === 3) {
        throw error;
      }
    }
  }
}

export class ControlPlane implements AsyncDisposable {
  /** Holds everything; logs are `<dir>/<server>.log`. */
  readonly dir: string;
  readonly server: string;
  /** PEM. */
  readonly caData: string;
  readonly caFile: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Path of the audit log; see audit-log.ts. */
  readonly auditLog: string;
  /** Path of the binary. */
  readonly kubectl: string;
  readonly #group: ProcessGroup;
  readonly #admin: AdminClient;
  readonly #launcher: AdminClient;
  readonly #identity: Identity;
  readonly #ports: Ports;
  readonly #etcd: Server;
  readonly #apiServer: Server;
  readonly #controllerManager: Server;

  /** Use `startControlPlane`, which finds the binaries and tries other ports when one is taken. */
  static async start(binaries: Binaries, options: ControlPlaneOptions): Promise<ControlPlane> {
    const group = await ProcessGroup.start({ keep: options.keep ?? false });
    try {
      const ports = { etcd: await freePort(), apiServer: await freePort(), controllerManager: await freePort() };
      const controlPlane = new ControlPlane(group, await writeIdentity(group.dir, ports), ports, binaries, options);
      try {
        await controlPlane.#start();
        return controlPlane;
      } catch (error) {
        await controlPlane.stop();
        throw error;
      }
    } catch (error) {
      await group.shutdown();
      throw error;
    }
  }

  private constructor(group: ProcessGroup, identity: Identity, ports: Ports, binaries: Binaries, options: ControlPlaneOptions) {
    this.dir = group.dir;
    this.server = `https://127.0.0.1:${ports.apiServer}`;
    this.caData = identity.caData;
    this.caFile = join(this.dir, "ca.crt");
    this.kubeconfig = join(this.dir, "admin.kubeconfig");
    this.auditLog = join(this.dir, "audit.log");
    this.kubectl = binaries.kubectl;
    this.#group = group;
    this.#identity = identity;
    this.#ports = ports;
    this.#admin = new AdminClient(this.#cluster, identity.admin);
    this.#launcher = new AdminClient(this.#cluster, identity.launcher);
    group.onUnexpectedExit = options.onUnexpectedExit ?? reportExit;

    const { dir, caFile, auditLog } = this;
    const server = (name: string, file: string, args: readonly string[], check: Check) =>
      new Server(group, { name, file, args, check, readyTimeoutMs: options.readyTimeoutMs ?? 120_000, signal: options.signal });
    const etcd = [...etcdArguments(dir, ports), ...(options.etcdArgs ?? [])];
    this.#etcd = server(ETCD, binaries.etcd, etcd, () => isHealthy(ports.etcd));
    const apiServer = [
      ...apiServerArguments({ dir, caFile, auditLog }, ports, options.audit ?? true),
      ...(options.apiServerArgs ?? []),
    ];
    this.#apiServer = server(API_SERVER, binaries.kubeApiserver, apiServer, () => this.#apiServerIsReady());
    const controllers = [...CONTROLLERS, ...(options.controllers ?? [])];
    const manager = [
      ...controllerManagerArguments({ dir, caFile, auditLog }, ports, controllers),
      ...(options.controllerManagerArgs ?? []),
    ];
    this.#controllerManager = server(CONTROLLER_MANAGER, binaries.kubeControllerManager, manager, (log) =>
      this.#controllersAreReady(log),
    );
  }

  /** Ids of the servers that run, by name: etcd, kube-apiserver, kube-controller-manager. */
  get pids(): Readonly<Record<string, number>> {
    return this.#group.pids;
  }

  /** One request as administrator. Every status is an answer; only a failing connection is an exception. */
  request(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<ApiAnswer> {
    return this.#admin.request(method, path, body, contentType);
  }

  /** Writes a kubeconfig for another user; `server` may name a proxy in front of the API server (under a name its certificate has). */
  writeKubeconfig(path: string, credentials: Credentials, options: { namespace?: string; server?: string } = {}): Promise<void> {
    const cluster = { ...this.#cluster, ...(options.server === undefined ? {} : { server: options.server }) };
    return writeKubeconfigFile(path, cluster, credentials, options.namespace);
  }

  /** A certificate for a user of that name in those groups, who may do what RBAC grants. */
  issueClientCertificate(commonName: string, organizations: readonly string[] = []): KeyPair {
    return this.#identity.issueClient(commonName, organizations);
  }

  /** A token of an existing ServiceAccount, by TokenRequest. */
  async serviceAccountToken(namespace: string, name: string, options: TokenOptions = {}): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const spec = { expirationSeconds: options.expirationSeconds ?? 3600, audiences: options.audiences ?? [] };
    const { status, body } = await this.request("POST", path, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec,
    });
    if (status !== 201) {
      throw new Error(`no token for ServiceAccount ${namespace}/${name}: status ${status}: ${JSON.stringify(body)}`);
    }
    return (body as { status: { token: string } }).status.token;
  }

  /** Ends the API server and waits until it is gone. Nothing happens when it does not run. */
  killApiServer(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    return this.#apiServer.kill(signal, GRACE_MS);
  }

  /**
   * Starts it again, on the same port with the same data, and waits until it is ready. After an outage of some seconds the controllers take
   * up to half a minute to connect again, as in any cluster; `restartControllerManager` spares a test that.
   */
  startApiServer(): Promise<void> {
    return this.#apiServer.start();
  }

  async restartApiServer(signal: "SIGKILL" | "SIGTERM" = "SIGTERM"): Promise<void> {
    await this.killApiServer(signal);
    await this.startApiServer();
  }

  /**
   * Makes the garbage collector know kinds that were defined just now. By itself it looks for new ones every 30 seconds, a time that no flag
   * changes, and until then neither collects objects of such a kind nor those they own. Resolves when it knows them.
   */
  async restartControllerManager(): Promise<void> {
    await this.#controllerManager.kill("SIGKILL", GRACE_MS);
    await this.#controllerManager.start();
  }

  /**
   * Drops the history of etcd up to now, and returns the revision. The API server serves recent history from memory: only after its restart
   * do watches from an older version, and continuations of an older paged list, answer 410.
   */
  compactEtcd(): Promise<string> {
    return compact(this.#ports.etcd);
  }

  /** Kills the servers and deletes the directory. May be called again. */
  async stop(): Promise<void> {
    await Promise.all([this.#admin.close(), this.#launcher.close()]);
    await this.#group.shutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<void> {
    await writeFile(this.auditLog, "");
    await this.writeKubeconfig(this.kubeconfig, { clientCertificate: this.#identity.admin });
    await this.#etcd.start();
    await this.#apiServer.start();
    await this.#controllerManager.start();
  }

  get #cluster(): { server: string; caData: string } {
    return { server: this.server, caData: this.caData };
  }

  async #apiServerIsReady(): Promise<boolean> {
    const answers = await Promise.all([
      this.#launcher.request("GET", "/readyz"),
      this.#launcher.request("GET", "/api/v1/namespaces/default"),
    ]);
    return answers.every(({ status }) => status === 200);
  }

  async #controllersAreReady(log: string): Promise<boolean> {
    const manager = new AdminClient(
      { ...this.#cluster, server: `https://127.0.0.1:${this.#ports.controllerManager}` },
      this.#identity.launcher,
    );
    try {
      return log.includes("synced garbage collector") && (await manager.request("GET", "/healthz")).status === 200;
    } finally {
      await manager.close();
    }
  }
}

function reportExit({ name, code, signal }: Exit): void {
  process.stderr.write(`control plane: ${name} ended by itself (${signal ?? `exit code ${code}`})\n`);
}
