import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { clearWidgets, countWidgets, createWidgets } from "../widgets.ts";
import { BenchSetup, whenReady } from "./bench-setup.ts";
import { ExternalServer } from "./external-server.ts";
import { report } from "./report.ts";
import type { StackProcess } from "./stack-process.ts";
import { median, rounded } from "./statistics.ts";

const NEW_WIDGET_EVERY_MS = 100;
const BEFORE_MS = 3_000;
const DEADLINE_MS = 60_000;

type Ending = "SIGTERM" | "SIGKILL";

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
  const rounds = Number(values.rounds);
  await using setup = await BenchSetup.open();
  const times = { SIGTERM: [] as number[], SIGKILL: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    for (const ending of ["SIGTERM", "SIGKILL"] as const) times[ending].push((await failover(setup, ending)) / 1_000);
  }
  const row = (how: string, samples: readonly number[]): (string | number)[] => [
    how,
    rounded(median(samples), 2),
    rounded(Math.max(...samples), 2),
  ];
  await report({
    name: "failover",
    title: "A warm standby takes over",
    method:
      `Two replicas, a new Widget every ${NEW_WIDGET_EVERY_MS} ms; from the signal to the leader until the first external call ` +
      `by the other; ${rounded(rounds)} runs of each.`,
    columns: ["the leader", "median s", "longest s"],
    rows: [row("is stopped (SIGTERM)", times.SIGTERM), row("is killed (SIGKILL)", times.SIGKILL)],
    values: { gracefulSeconds: Math.max(...times.SIGTERM), killedSeconds: Math.max(...times.SIGKILL) },
  });
}

/** Milliseconds without a leader that acts. */
async function failover(setup: BenchSetup, ending: Ending): Promise<number> {
  await using standbySystem = await ExternalServer.start();
  await using leader = await setup.startStack({ identity: "first" });
  await leader.waitForLog('"leading"');
  await using standby = await setup.startStack({ identity: "second", external: standbySystem });
  await whenReady(standby);
  const widgets = new WidgetStream(setup);
  const callsBefore = setup.external.total;
  try {
    await delay(BEFORE_MS);
    const took = await end(leader, ending, standbySystem);
    await widgets.stop();
    await whenAllConverged(setup, widgets.created);
    const calls = setup.external.total - callsBefore + standbySystem.total;
    // A killed leader cannot finish what it was at; one that is stopped does.
    if (ending === "SIGTERM" && calls !== widgets.created) throw new Error(`${calls} calls for ${widgets.created} Widgets`);
    return took;
  } finally {
    await widgets.stop();
    await standby.stop();
    await clearWidgets(setup.controlPlane);
  }
}

async function end(leader: StackProcess, ending: Ending, standbySystem: ExternalServer): Promise<number> {
  if (standbySystem.total > 0) throw new Error("the standby acted while the other led");
  const called = standbySystem.nextCall();
  const signalled = performance.now();
  void leader.stop(ending);
  const at = await Promise.race([called, delay(DEADLINE_MS, undefined, { ref: false })]);
  if (at === undefined) throw new Error(`nobody took over within ${DEADLINE_MS / 1_000} s`);
  return at - signalled;
}

/** Nothing of what came while nobody led may be lost. */
async function whenAllConverged({ controlPlane }: BenchSetup, created: number): Promise<void> {
  const ready = async (): Promise<boolean> => {
    const { body } = await controlPlane.request("GET", "/apis/bench.customdomains.dev/v1/widgets");
    const { items } = body as { readonly items: readonly { readonly status?: unknown }[] };
    return items.filter(({ status }) => status !== undefined).length === created;
  };
  if ((await countWidgets(controlPlane)) !== created) throw new Error("a Widget is missing");
  await waitUntil("every Widget to be converged", ready, { timeoutMs: DEADLINE_MS });
}

/** New Widgets at a steady pace until stopped. */
class WidgetStream {
  created = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor({ controlPlane }: BenchSetup) {
    const run = async (): Promise<void> => {
      while (!this.#stopped) {
        await createWidgets(controlPlane, 1, { from: this.created });
        this.created += 1;
        await delay(NEW_WIDGET_EVERY_MS);
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
