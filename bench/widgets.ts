import type { ControlPlane } from "../test/control-plane/control-plane.ts";
import { waitUntil } from "../test/control-plane/wait-until.ts";

/** Spread of the Widgets: `bench-0` … `bench-9`. */
export const NAMESPACES: readonly string[] = Array.from({ length: 10 }, (_, index) => `bench-${index}`);
export const FINALIZER = "bench.customdomains.dev/finalizer";
export const API = "/apis/bench.customdomains.dev/v1";
const PARALLEL = 48;
const DEADLINE_MS = 900_000;

export interface WidgetName {
  readonly namespace: string;
  readonly name: string;
}

/** The `index`-th Widget, from 0: neighbours are in different namespaces. */
export function widgetName(index: number): WidgetName {
  return { namespace: NAMESPACES[index % NAMESPACES.length] ?? "", name: `w-${String(index + 1).padStart(5, "0")}` };
}

export function widgetPath({ namespace, name }: WidgetName): string {
  return `${API}/namespaces/${namespace}/widgets/${name}`;
}

export interface CreateOptions {
  /** The first is `widgetName(from)`; default 0. */
  readonly from?: number;
  /** All in this one; default: spread over {@link NAMESPACES}. */
  readonly namespace?: string;
  /** Also gives them the finalizer and the status that a stack would: nothing is left to do for one. */
  readonly converged?: boolean;
}

/** Creates `count` Widgets in parallel. @throws Error when the API server refuses one. */
export async function createWidgets(controlPlane: ControlPlane, count: number, options: CreateOptions = {}): Promise<void> {
  const { from = 0, converged = false } = options;
  await eachOf(count, async (offset) => {
    const index = from + offset;
    const { name, namespace: spread } = widgetName(index);
    const namespace = options.namespace ?? spread;
    const metadata = { namespace, name, ...(converged ? { finalizers: [FINALIZER] } : {}) };
    const widget = {
      apiVersion: "bench.customdomains.dev/v1",
      kind: "Widget",
      metadata,
      spec: { size: index, text: textOf(index) },
    };
    const created = await expect(controlPlane, "POST", `${API}/namespaces/${namespace}/widgets`, widget);
    if (converged) await writeStatus(controlPlane, created as StoredWidget);
  });
}

interface StoredWidget {
  readonly metadata: WidgetName & { readonly generation: number };
}

async function writeStatus(controlPlane: ControlPlane, widget: StoredWidget): Promise<void> {
  const { generation } = widget.metadata;
  const condition = {
    type: "Ready",
    status: "True",
    reason: "Converged",
    message: "Created converged",
    observedGeneration: generation,
    lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z`,
  };
  const body = { ...widget, status: { observedGeneration: generation, conditions: [condition] } };
  await expect(controlPlane, "PUT", `${widgetPath(widget.metadata)}/status`, body);
}

/** How many there are, from one list request of one item. */
export async function countWidgets(controlPlane: ControlPlane): Promise<number> {
  const body = (await expect(controlPlane, "GET", `${API}/widgets?limit=1`)) as {
    readonly items: readonly unknown[];
    readonly metadata: { readonly remainingItemCount?: number };
  };
  return body.items.length + (body.metadata.remainingItemCount ?? 0);
}

/** One deletecollection for each namespace; resolves when all have been accepted, not when the finalizers are gone. */
export async function deleteWidgets(controlPlane: ControlPlane): Promise<void> {
  const remove = (namespace: string) => expect(controlPlane, "DELETE", `${API}/namespaces/${namespace}/widgets`);
  await Promise.all(NAMESPACES.map(remove));
}

/** Deletes all of them and strips their finalizers itself, for when no stack runs; resolves when none is left. */
export async function clearWidgets(controlPlane: ControlPlane): Promise<void> {
  await deleteWidgets(controlPlane);
  await waitUntil(
    "the Widgets to be gone",
    async () => {
      const body = (await expect(controlPlane, "GET", `${API}/widgets?limit=2000`)) as {
        readonly items: readonly StoredWidget[];
      };
      await eachOf(body.items.length, async (index) => {
        const item = body.items[index];
        if (item === undefined) return;
        const patch = { metadata: { finalizers: [] } };
        const answer = await controlPlane.request("PATCH", widgetPath(item.metadata), patch, "application/merge-patch+json");
        if (answer.status !== 200 && answer.status !== 404) throw new Error(`PATCH ${item.metadata.name}: ${answer.status}`);
      });
      return body.items.length === 0;
    },
    { timeoutMs: DEADLINE_MS, intervalMs: 0 },
  );
}

/** Runs `work` for 0 … count-1, `PARALLEL` at once. */
async function eachOf(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, count) }, worker));
}

/** 500 characters that differ from Widget to Widget, as real specs do. */
function textOf(index: number): string {
  return `widget ${index} `.repeat(50).slice(0, 500).padEnd(500, ".");
}

async function expect(
  controlPlane: ControlPlane,
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const answer = await controlPlane.request(method, path, body);
  if (answer.status < 200 || answer.status > 299) {
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 500)}`);
  }
  return answer.body;
}
