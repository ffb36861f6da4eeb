import type { KeyPair } from "../../test/control-plane/certificates.ts";
import { type ControlPlane, startControlPlane } from "../../test/control-plane/control-plane.ts";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { Metrics } from "../runtime/metrics.ts";
import { KubeClient } from "./client.ts";
import { KubeTransport } from "./transport.ts";

/** What one process of the operator talks to the API server with. */
export interface Access {
  readonly transport: KubeTransport;
  readonly client: KubeClient;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Lines logged so far. */
  readonly log: readonly Record<string, unknown>[];
}

/** A real control plane and any number of users of it. */
export class RealServer implements AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly #transports: KubeTransport[] = [];

  static async start(): Promise<RealServer> {
    return RealServer.on(await startControlPlane({ audit: false }));
  }

  /** Takes the control plane over: it ends with this. */
  static on(controlPlane: ControlPlane): RealServer {
    return new RealServer(controlPlane);
  }

  private constructor(controlPlane: ControlPlane) {
    this.controlPlane = controlPlane;
  }

  /** As cluster administrator, or as the given user; through another address when `server` is given. */
  access(options: { readonly user?: string; readonly server?: string } = {}): Access {
    const { controlPlane } = this;
    const pair: KeyPair =
      options.user === undefined
        ? controlPlane.issueClientCertificate("administrator", ["system:masters"])
        : controlPlane.issueClientCertificate(options.user);
    const credentials = { server: new URL(options.server ?? controlPlane.server), tls: { ca: controlPlane.caData, ...pair } };
    const log: Record<string, unknown>[] = [];
    const logger = createLogger({ level: "debug", destination: { write: (line: string) => void log.push(JSON.parse(line)) } });
    const metrics = new Metrics();
    const transport = new KubeTransport({ source: { load: async () => credentials }, userAgent: "test", metrics, logger });
    this.#transports.push(transport);
    return { transport, client: new KubeClient(transport), metrics, logger, log };
  }

  /** As administrator. @throws Error when it is refused. */
  async apply(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object): Promise<unknown> {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const answer = await this.controlPlane.request(method, path, body, type);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async get(path: string): Promise<unknown> {
    return (await this.controlPlane.request("GET", path)).body;
  }

  /** A kind `probes.probe.test` with a status; resolves once it is served for reading and writing. */
  async defineProbes(): Promise<void> {
    const any = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    await this.apply("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      metadata: { name: "probes.probe.test" },
      spec: {
        group: "probe.test",
        scope: "Namespaced",
        names: { kind: "Probe", plural: "probes", singular: "probe" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: { openAPIV3Schema: { type: "object", properties: { spec: any, status: any } } },
          },
        ],
      },
    });
    const path = "/apis/probe.test/v1/namespaces/default/probes";
    const served = async (): Promise<boolean> => (await this.controlPlane.request("GET", path)).status === 200;
    await waitUntil("the kind to be served", served, { timeoutMs: 10_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.close()));
    await this.controlPlane.stop();
  }
}
