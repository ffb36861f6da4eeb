import { parseArgs } from "node:util";
import { Agent } from "undici";
import { startControlPlane } from "../../test/control-plane/control-plane.ts";
import { prepareStage } from "../stage.ts";
import { createWidgets, FINALIZER, type WidgetName, widgetName } from "../widgets.ts";
import { ApiCaller, identityOf, type StoredWidget, statusOf } from "./api-caller.ts";
import { type Load, measureLoad } from "./load.ts";
import { report } from "./report.ts";
import { median, rounded } from "./statistics.ts";

const CALLERS = 64;
const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";

interface Way {
  readonly name: string;
  /** Writes something else each time, guarded by the version of `known`. */
  readonly write: (caller: ApiCaller, widget: WidgetName, known: StoredWidget, turn: number) => Promise<StoredWidget>;
}

/** Present and absent in turn, so that each write is a change. */
function finalizers(turn: number): readonly string[] {
  return turn % 2 === 0 ? [FINALIZER] : [];
}

const WAYS: readonly Way[] = [
  {
    name: "finalizer: merge patch",
    write: (caller, widget, { metadata: { resourceVersion } }, turn) =>
      caller.patch(widget, { metadata: { finalizers: finalizers(turn), resourceVersion } }, MERGE_PATCH),
  },
  {
    name: "finalizer: JSON patch",
    write: (caller, widget, { metadata: { resourceVersion } }, turn) =>
      caller.patch(
        widget,
        [
          { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
          { op: "add", path: "/metadata/finalizers", value: finalizers(turn) },
        ],
        JSON_PATCH,
      ),
  },
  {
    name: "finalizer: PUT of the whole object",
    write: (caller, widget, known, turn) => {
      const { managedFields: _, ...metadata } = known.metadata;
      return caller.put(widget, { ...known, metadata: { ...metadata, finalizers: finalizers(turn) } });
    },
  },
  {
    name: "status: merge patch",
    write: (caller, widget, { metadata: { resourceVersion } }, turn) =>
      caller.patch(widget, { metadata: { resourceVersion }, status: statusOf(`merge ${turn}`) }, MERGE_PATCH, "/status"),
  },
  {
    name: "status: JSON patch",
    write: (caller, widget, { metadata: { resourceVersion } }, turn) =>
      caller.patch(
        widget,
        [
          { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
          { op: "add", path: "/status", value: statusOf(`json ${turn}`) },
        ],
        JSON_PATCH,
        "/status",
      ),
  },
  {
    name: "status: PUT of the status alone",
    write: (caller, widget, { metadata: { resourceVersion } }, turn) => caller.putStatus(widget, resourceVersion, `put ${turn}`),
  },
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { requests: { type: "string", default: "4000" }, rounds: { type: "string", default: "5" } },
  });
  const [requests, rounds] = [Number(values.requests), Number(values.rounds)];
  await using controlPlane = await startControlPlane({ audit: false });
  const kubeconfig = await prepareStage(controlPlane);
  await createWidgets(controlPlane, CALLERS);
  const agent = new Agent({ allowH2: false, connections: CALLERS, pipelining: 1, connect: { ca: controlPlane.caData } });
  const caller = new ApiCaller(agent, await identityOf(controlPlane, kubeconfig));
  const apiServerPid = controlPlane.pids["kube-apiserver"] ?? 0;
  const samples = new Map<string, Load[]>(WAYS.map(({ name }) => [name, []]));
  // The first round warms up both sides and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, write } of WAYS) {
      const known = await Promise.all(Array.from({ length: CALLERS }, (_, index) => caller.get(widgetName(index))));
      const turns = known.map(({ metadata }) => (metadata.finalizers?.length ?? 0) + 2 * round * requests);
      const load = await measureLoad({
        count: requests,
        callers: CALLERS,
        apiServerPid,
        call: async (index) => {
          const [before, turn] = [known[index], turns[index]];
          if (before === undefined || turn === undefined) throw new Error(`no Widget for caller ${index}`);
          known[index] = await write(caller, widgetName(index), before, turn);
          turns[index] = turn + 1;
        },
      });
      if (round > 0) samples.get(name)?.push(load);
    }
  }
  await agent.destroy();
  const of = (loads: readonly Load[], member: keyof Load, places: number) =>
    rounded(median(loads.map((load) => load[member])), places);
  const rows = [...samples].map(([name, loads]) => [
    name,
    of(loads, "rate", 0),
    of(loads, "clientMs", 2),
    of(loads, "serverMs", 2),
  ]);
  await report({
    name: "write-verbs",
    title: "Ways to write, each guarded by the resourceVersion",
    method: `${CALLERS} callers over HTTP/1.1, medians of ${rounds} alternating runs of ${requests} requests each.`,
    columns: ["write", "per second", "client ms", "server ms"],
    rows,
    values: Object.fromEntries(rows.map(([name, rate]) => [String(name), Number(rate)])),
  });
}

await main();
