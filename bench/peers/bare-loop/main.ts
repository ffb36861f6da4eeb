/**
 * No runtime at all: the requests that the work needs, 64 at a time, with nothing around them. What writes faster against the same API
 * server must leave something out. It neither watches nor retries, and does not handle deletions.
 */
import { readFile } from "node:fs/promises";
import { Agent, type Dispatcher } from "undici";

interface Widget {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly generation: number };
}

interface WidgetList {
  readonly items: readonly Widget[];
  readonly metadata: { readonly continue?: string };
}

interface KubeConfig {
  readonly clusters: readonly [{ readonly cluster: { readonly server: string; readonly "certificate-authority-data": string } }];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

const API = "/apis/bench.customdomains.dev/v1";
const FINALIZER = "bench.customdomains.dev/finalizer";

const { KUBECONFIG = "", BENCH_EXTERNAL_URL = "", BENCH_WORKERS, BENCH_CONNECTIONS } = process.env;
const { clusters, users } = JSON.parse(await readFile(KUBECONFIG, "utf8")) as KubeConfig;
const { server, "certificate-authority-data": authority } = clusters[0].cluster;
const connections = Number(BENCH_CONNECTIONS);
const api = new Agent({ allowH2: false, connections, connect: { ca: Buffer.from(authority, "base64").toString() } });
const external = new Agent({ allowH2: false, connections });
const headers = {
  authorization: `Bearer ${users[0].user.token}`,
  accept: "application/json",
  "content-type": "application/json",
};

// Ends by SIGTERM only, so that what the process has used can still be read.
setInterval(() => {}, 60_000);
const widgets = await list();
let next = 0;
await Promise.all(Array.from({ length: Number(BENCH_WORKERS) }, work));

async function work(): Promise<void> {
  for (let widget = widgets[next++]; widget !== undefined; widget = widgets[next++]) await converge(widget);
}

async function converge(widget: Widget): Promise<void> {
  const { name, namespace, generation } = widget.metadata;
  const path = `${API}/namespaces/${namespace}/widgets/${name}`;
  const held = (await put(path, { ...widget, metadata: { ...widget.metadata, finalizers: [FINALIZER] } })) as Widget;
  await send(external, { path: new URL(`${BENCH_EXTERNAL_URL}/${namespace}/${name}`).pathname, method: "GET" });
  const ready = {
    type: "Ready",
    status: "True",
    reason: "Converged",
    message: "the external call succeeded",
    observedGeneration: generation,
    lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z`,
  };
  await put(`${path}/status`, { ...held, status: { observedGeneration: generation, conditions: [ready] } });
}

async function list(): Promise<readonly Widget[]> {
  const found: Widget[] = [];
  let from: string | undefined = "";
  while (from !== undefined) {
    const path: string = `${API}/widgets?limit=500${from === "" ? "" : `&continue=${encodeURIComponent(from)}`}`;
    const page = (await send(api, { path, method: "GET", headers })) as WidgetList;
    found.push(...page.items);
    from = page.metadata.continue || undefined;
  }
  return found;
}

function put(path: string, widget: unknown): Promise<unknown> {
  return send(api, { path, method: "PUT", headers, body: JSON.stringify(widget) });
}

async function send(agent: Agent, options: Omit<Dispatcher.RequestOptions, "origin">): Promise<unknown> {
  const origin = agent === api ? server : new URL(BENCH_EXTERNAL_URL).origin;
  const { statusCode, body } = await agent.request({ ...options, origin });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${options.method} ${options.path}: ${statusCode} ${text.slice(0, 300)}`);
  return text === "" ? undefined : JSON.parse(text);
}
