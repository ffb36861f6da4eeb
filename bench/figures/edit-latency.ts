import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { createWidgets, widgetName, widgetPath } from "../widgets.ts";
import { identityOf } from "./api-caller.ts";
import { BenchSetup, reconciles, whenReady, whenReconciled } from "./bench-setup.ts";
import { report } from "./report.ts";
import type { StackProcess } from "./stack-process.ts";
import { quantile, rounded } from "./statistics.ts";
import { WidgetWatch } from "./widget-watch.ts";

const EDIT_EVERY_MS = 100;
const RESYNC_EVERY_MS = 500;
const EDITED_NAMESPACE = "bench-edited";
const DEADLINE_MS = 30_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: "string", default: "20000" }, edits: { type: "string", default: "300" } },
  });
  const [count, edits] = [Number(values.count), Number(values.edits)];
  await using setup = await BenchSetup.open();
  await createWidgets(setup.controlPlane, count, { converged: true });
  await using stack = await setup.startStack();
  await whenReady(stack);
  await whenReconciled(stack, count);
  const editor = await Editor.open(setup);
  const idle = await editor.latencies(edits);
  const resync = new Resync(stack);
  const before = await reconciles(stack);
  const busy = await editor.latencies(edits);
  const rounds = ((await reconciles(stack)) - before) / count;
  await resync.stop();
  editor.close();
  const row = (when: string, samples: readonly number[]): (string | number)[] => [
    when,
    rounded(quantile(samples, 0.5), 1),
    rounded(quantile(samples, 0.99), 1),
    rounded(Math.max(...samples), 1),
  ];
  await report({
    name: "edit-latency",
    title: `One edit while ${count} Widgets are resynced`,
    method:
      `${edits} edits, one every ${EDIT_EVERY_MS} ms, of a Widget in a namespace of its own: from the moment at which a watch ` +
      `showed the edit until it showed the status that follows from it, the external call of 20 ms included. In the second row ` +
      `every Widget was queued again every ${RESYNC_EVERY_MS / 1_000} s, ${rounded(rounds)} times in all.`,
    columns: ["meanwhile", "p50 ms", "p99 ms", "longest ms"],
    rows: [row("nothing", idle), row("resync", busy)],
    values: { p50: quantile(busy, 0.5), p99: quantile(busy, 0.99), resyncs: rounds },
  });
}

/** Edits one Widget, and sees how long its status takes to follow. */
class Editor {
  readonly #setup: BenchSetup;
  readonly #watch: WidgetWatch;
  readonly #editedAt: Map<number, number>;
  readonly #followedAt: Map<number, number>;
  #size = 1_000_000;

  static async open(setup: BenchSetup): Promise<Editor> {
    const { controlPlane } = setup;
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: EDITED_NAMESPACE } };
    await controlPlane.request("POST", "/api/v1/namespaces", body);
    const [editedAt, followedAt] = [new Map<number, number>(), new Map<number, number>()];
    const { token } = await identityOf(controlPlane, setup.kubeconfig);
    const watch = await WidgetWatch.open(controlPlane, EDITED_NAMESPACE, token, ({ metadata: { generation }, status }) => {
      if (!editedAt.has(generation)) editedAt.set(generation, performance.now());
      if (status?.observedGeneration === generation && !followedAt.has(generation)) {
        followedAt.set(generation, performance.now());
      }
    });
    await createWidgets(controlPlane, 1, { namespace: EDITED_NAMESPACE });
    return new Editor(setup, watch, editedAt, followedAt);
  }

  private constructor(setup: BenchSetup, watch: WidgetWatch, editedAt: Map<number, number>, followedAt: Map<number, number>) {
    this.#setup = setup;
    this.#watch = watch;
    this.#editedAt = editedAt;
    this.#followedAt = followedAt;
  }

  /** Milliseconds of each edit. @throws Error when a status does not follow. */
  async latencies(edits: number): Promise<number[]> {
    const latencies: number[] = [];
    for (let edit = 0; edit < edits; edit += 1) {
      const next = delay(EDIT_EVERY_MS);
      const generation = await this.#edit();
      const followed = await waitUntil("the status to follow the edit", () => this.#followedAt.get(generation), {
        timeoutMs: DEADLINE_MS,
        intervalMs: 1,
      });
      latencies.push(followed - (this.#editedAt.get(generation) ?? Number.NaN));
      await next;
    }
    return latencies;
  }

  close(): void {
    this.#watch[Symbol.dispose]();
  }

  /** The generation that the edit made. */
  async #edit(): Promise<number> {
    const path = widgetPath({ namespace: EDITED_NAMESPACE, name: widgetName(0).name });
    const patch = { spec: { size: this.#size++ } };
    const { status, body } = await this.#setup.controlPlane.request("PATCH", path, patch, "application/merge-patch+json");
    if (status !== 200) throw new Error(`the edit was answered ${status}`);
    return (body as { readonly metadata: { readonly generation: number } }).metadata.generation;
  }
}

/** Has every Widget queued again and again, at low priority, until stopped. */
class Resync {
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(stack: StackProcess) {
    const run = async (): Promise<void> => {
      while (!this.#stopped) {
        stack.signal("SIGUSR2");
        await delay(RESYNC_EVERY_MS);
      }
    };
    this.#running = run();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#running;
  }
}

await main();
