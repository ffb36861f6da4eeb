import { setTimeout as delay } from "node:timers/promises";
import { waitUntil } from "../control-plane/wait-until.ts";
import type { Episode, Scene } from "./episode.ts";
import { FaultBook, type Planted } from "./fault-book.ts";
import type { Asked, PlantedFault, ProxyFault } from "./fault-kinds.ts";
import type { Replica } from "./replica.ts";

/** How long an episode waits for occasions. */
const STRIKE_MS = 60_000;
const INCITE_EVERY_MS = 5_000;
const REFUSED_MS = 3_000;
/** A watch that begins anew is given up after 30 s of silence, one that runs after 190 s; looked at every 5 s. */
const CUT_MS = 205_000;
/** Namespaces, accounts, classes, routes, the Lease and three Secrets. */
const LEAST_STREAMED = 8;

type Aim = (asked: Asked) => boolean;

const AIMS = {
  all: () => true,
  calls: (asked) => !isWatch(asked),
  writes: ({ shape }) => shape === "write",
  leases: ({ resource }) => resource === "leases",
  watches: isWatch,
  // Something comes on these all the time, while the user is at work.
  busy: ({ resource }) => resource === "customdomains" || resource === "domainclaims",
} as const satisfies Readonly<Record<string, Aim>>;

/** Strikes until the amount is used up, or occasions do not come. `incite` makes occasions, by what is no fault itself. */
async function strike(scene: Scene, kind: PlantedFault, where: Aim, incite: () => void = () => {}): Promise<void> {
  const { amount, cluster } = scene;
  const books = cluster.replicas.map(({ proxy }) => proxy.faults);
  const planted = FaultBook.plantIn(books, { kind, times: amount, where });
  await untilSpent(planted, amount, incite);
}

async function untilSpent(planted: Planted, amount: number, incite: () => void): Promise<void> {
  const deadline = performance.now() + STRIKE_MS;
  let incitedAt = Number.NEGATIVE_INFINITY;
  while (planted.fired < amount && performance.now() < deadline) {
    if (performance.now() - incitedAt > INCITE_EVERY_MS) {
      incitedAt = performance.now();
      incite();
    }
    await delay(50);
  }
  planted.lift();
}

function calls(kind: PlantedFault): Episode {
  return async (scene) => {
    await strike(scene, kind, scene.random.pick([AIMS.calls, AIMS.writes, AIMS.leases]));
    return undefined;
  };
}

/** Faults that calls and the opening of watches share. */
function requests(kind: PlantedFault): Episode {
  return async (scene) => {
    const aim = scene.random.pick([AIMS.all, AIMS.writes, AIMS.leases, AIMS.watches]);
    await strike(scene, kind, aim, () => endWatches(scene.cluster.replicas));
    return undefined;
  };
}

/** Faults of running watches. */
function events(kind: PlantedFault): Episode {
  return async (scene) => {
    await strike(scene, kind, AIMS.busy);
    return undefined;
  };
}

const refusedResumption: Episode = async (scene) => {
  await strike(scene, "410 on a watch", AIMS.all, () => endWatches(scene.cluster.replicas));
  return undefined;
};

/** Only a replica that lists in pages meets it, when a watch of many objects has to begin anew. */
const refusedPage: Episode = async ({ cluster, amount }) => {
  const paged = cluster.replicas.find(({ proxy }) => proxy.lists("customdomains"));
  if (paged === undefined) throw new Error("there is no replica that lists in pages");
  const { faults } = paged.proxy;
  const planted = faults.plant({ kind: "410 on a continued list", times: amount });
  let expired: Planted | undefined;
  await untilSpent(planted, amount, () => {
    expired?.lift();
    expired = faults.plant({ kind: "410 as an ERROR event", times: 1, where: AIMS.busy });
  });
  expired?.lift();
  return undefined;
};

const darkConnections: Episode = async (scene) => {
  const cut = (): void => {
    for (const { proxy } of scene.cluster.replicas) proxy.resetConnections();
  };
  await strike(scene, "black hole: connection", AIMS.all, cut);
  return undefined;
};

/** All running watches of both replicas fall silent at once; nothing but their own limit helps the operator. */
const darkWatches: Episode = async ({ cluster: { replicas } }) => {
  for (const { proxy } of replicas) proxy.darkenWatches();
  return untilCut(replicas);
};

/** All watches that are streamed from the beginning begin anew, into black holes: a quicker way to ten of them. */
export const darkBeginnings: Episode = async ({ cluster: { replicas } }) => {
  await Promise.all(replicas.map(darkenBeginnings));
  return untilCut(replicas);
};

/** Resolves when all of a replica's watches that are streamed from the beginning are black holes; calls go on. */
export async function darkenBeginnings({ proxy }: Replica): Promise<void> {
  const streamed = ({ resource }: Asked): boolean => !proxy.lists(resource);
  const open = (): number => proxy.openWatchesOf(streamed);
  await waitUntil("watches to be open", () => open() >= LEAST_STREAMED, { timeoutMs: STRIKE_MS });
  const wanted = open();
  const expired = proxy.faults.plant({ kind: "410 on a watch", where: streamed });
  const dark = proxy.faults.plant({ kind: "black hole: watch", where: (asked) => asked.shape === "beginning" });
  proxy.endWatches(streamed);
  await waitUntil("watches to be black holes", () => dark.fired >= wanted, { timeoutMs: STRIKE_MS });
  expired.lift();
  dark.lift();
}

function untilCut(replicas: readonly Replica[]): () => Promise<void> {
  const cut = (): boolean => replicas.every(({ proxy }) => proxy.dark === 0);
  return async () => {
    await waitUntil("the operator to cut the black holes", cut, { timeoutMs: CUT_MS });
  };
}

const refusedToken: Episode = async ({ cluster: { replicas, tally }, amount }) => {
  const kind = "401 until the token is replaced";
  const before = tally.count(kind);
  for (const { proxy, token } of replicas) proxy.revoke(token);
  await waitUntil("tokens to be refused", () => tally.count(kind) - before >= amount, { timeoutMs: STRIKE_MS });
  await delay(REFUSED_MS);
  for (const replica of replicas) await replica.replaceToken();
  return undefined;
};

export const PROXY_EPISODES: Readonly<Record<ProxyFault, Episode>> = {
  "reset before sending": requests("reset before sending"),
  "reset after applying": calls("reset after applying"),
  "slow answer": calls("slow answer"),
  "429 with Retry-After": requests("429 with Retry-After"),
  "500": requests("500"),
  "503": requests("503"),
  "truncated answer": calls("truncated answer"),
  "black hole: call": calls("black hole: call"),
  "black hole: connection": darkConnections,
  "black hole: watch": darkWatches,
  "401 until the token is replaced": refusedToken,
  "410 on a watch": refusedResumption,
  "410 on a continued list": refusedPage,
  "410 as an ERROR event": events("410 as an ERROR event"),
  "half a watch line": events("half a watch line"),
  "slow watch": events("slow watch"),
  "reset of a watch": events("reset of a watch"),
};

function isWatch({ shape }: Asked): boolean {
  return shape === "watch" || shape === "beginning";
}

function endWatches(replicas: readonly Replica[]): void {
  for (const { proxy } of replicas) proxy.endWatches();
}
