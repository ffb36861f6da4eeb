import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Agent } from "undici";
import { type ControlPlane, startControlPlane } from "../../test/control-plane/control-plane.ts";
import { prepareStage } from "../stage.ts";
import { createWidgets, widgetName } from "../widgets.ts";
import { ApiCaller, type Identity, identityOf } from "./api-caller.ts";
import { type Load, measureLoad } from "./load.ts";
import { report } from "./report.ts";
import { StallingProxy } from "./stalling-proxy.ts";
import { median, rounded } from "./statistics.ts";

const CALLERS = 64;
const STALL_CALLERS = 8;
const STALL_MS = 5_000;
const SLOW_MS = 1_000;

interface Variant {
  readonly name: string;
  readonly options: Agent.Options;
}

/** Under HTTP/2 the number of streams bounds what is under way, not undici's `pipelining`: both are tried. */
const VARIANTS: readonly Variant[] = [
  ...[16, 32, 64].map((connections) => ({
    name: `HTTP/1.1, ${connections} connections`,
    options: { allowH2: false, connections, pipelining: 1 },
  })),
  ...[1, 4].flatMap((connections) =>
    [1, 64].map((pipelining) => ({
      name: `HTTP/2, ${connections} connection${connections === 1 ? "" : "s"}, pipelining ${pipelining}`,
      options: { allowH2: true, connections, pipelining },
    })),
  ),
];

interface Sample {
  readonly get: Load;
  readonly put: Load;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { requests: { type: "string", default: "4000" }, rounds: { type: "string", default: "5" } },
  });
  const [requests, rounds] = [Number(values.requests), Number(values.rounds)];
  await using controlPlane = await startControlPlane({ audit: false });
  const kubeconfig = await prepareStage(controlPlane);
  await createWidgets(controlPlane, CALLERS);
  const identity = await identityOf(controlPlane, kubeconfig);
  const samples = new Map<string, Sample[]>(VARIANTS.map(({ name }) => [name, []]));
  // The first round warms up both sides and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, options } of VARIANTS) {
      const sample = await measure(controlPlane, identity, options, requests, `${name} ${round}`);
      if (round > 0) samples.get(name)?.push(sample);
    }
  }
  const stalls = new Map<string, number>();
  for (const { name, options } of VARIANTS) stalls.set(name, await slowShare(controlPlane, identity, options));
  const rows = VARIANTS.map(({ name }) => rowOf(name, samples.get(name) ?? [], stalls.get(name) ?? 0));
  await report({
    name: "http-versions",
    title: "HTTP/1.1 against HTTP/2 to the API server",
    method:
      `${CALLERS} callers, medians of ${rounds} alternating runs of ${requests} requests each; status writes are PUTs of one Widget ` +
      `per caller. The last column: of ${STALL_CALLERS} callers with one call at a time, the share that waited more than ` +
      `${SLOW_MS / 1_000} s for an answer in the ${STALL_MS / 1_000} s after one TCP connection fell silent without closing.`,
    columns: [
      "transport",
      "GET/s",
      "client ms",
      "server ms",
      "status PUT/s",
      "client ms ",
      "server ms ",
      "callers stalled by one dead connection, %",
    ],
    rows,
    values: Object.fromEntries(
      rows.flatMap(([name, get, , , put]) => [
        [`${name} get`, Number(get)],
        [`${name} put`, Number(put)],
      ]),
    ),
  });
}

async function measure(
  controlPlane: ControlPlane,
  identity: Identity,
  options: Agent.Options,
  count: number,
  mark: string,
): Promise<Sample> {
  const agent = new Agent({ ...options, connect: { ca: controlPlane.caData } });
  try {
    const caller = new ApiCaller(agent, identity);
    const apiServerPid = controlPlane.pids["kube-apiserver"] ?? 0;
    const versions = await Promise.all(
      Array.from({ length: CALLERS }, async (_, index) => (await caller.get(widgetName(index))).metadata.resourceVersion),
    );
    const get = await measureLoad({ count, callers: CALLERS, apiServerPid, call: (index) => caller.get(widgetName(index)) });
    let write = 0;
    const put = await measureLoad({
      count,
      callers: CALLERS,
      apiServerPid,
      call: async (index) => {
        const written = await caller.putStatus(widgetName(index), versions[index] ?? "", `${mark} ${write++}`);
        versions[index] = written.metadata.resourceVersion;
      },
    });
    return { get, put };
  } finally {
    await agent.destroy();
  }
}

/** The share of callers that are held up when one of the connections goes silent. */
async function slowShare(controlPlane: ControlPlane, identity: Identity, options: Agent.Options): Promise<number> {
  await using proxy = await StallingProxy.start(controlPlane.server);
  const agent = new Agent({ ...options, connect: { ca: controlPlane.caData } });
  try {
    const caller = new ApiCaller(agent, { ...identity, server: proxy.url });
    const begunAt: number[] = [];
    const slow = new Set<number>();
    let over = false;
    const work = async (index: number): Promise<void> => {
      while (!over) {
        begunAt[index] = performance.now();
        await caller.get(widgetName(index)).catch(() => {});
        if (performance.now() - (begunAt[index] ?? 0) > SLOW_MS) slow.add(index);
      }
    };
    const working = Array.from({ length: STALL_CALLERS }, (_, index) => work(index));
    await delay(1_000);
    proxy.stallOne();
    await delay(STALL_MS);
    for (const [index, begun] of begunAt.entries()) if (performance.now() - begun > SLOW_MS) slow.add(index);
    over = true;
    await agent.destroy();
    await Promise.all(working);
    return slow.size / STALL_CALLERS;
  } finally {
    await agent.destroy();
  }
}

function rowOf(name: string, samples: readonly Sample[], stalled: number): (string | number)[] {
  const of = (read: (sample: Sample) => number, places = 0): number => rounded(median(samples.map(read)), places);
  return [
    name,
    of(({ get }) => get.rate),
    of(({ get }) => get.clientMs, 2),
    of(({ get }) => get.serverMs, 2),
    of(({ put }) => put.rate),
    of(({ put }) => put.clientMs, 2),
    of(({ put }) => put.serverMs, 2),
    rounded(100 * stalled),
  ];
}

await main();
