import { setTimeout as delay } from "node:timers/promises";
import { waitUntil } from "../control-plane/wait-until.ts";
import { hostnamesAt } from "../harness/journey.ts";
import type { Episode, Scene } from "./episode.ts";
import type { ProcessFault } from "./fault-kinds.ts";
import { darkenBeginnings } from "./proxy-episodes.ts";
import type { Replica } from "./replica.ts";
import { keyOf, type Wanted } from "./wanted.ts";

const HOUR_MS = 3_600_000;
const CHANGES_AT_WRONG_TIME = 15;
const CHANGES_MS = 60_000;
const LONGEST_OUTAGE_MS = 3_000;
/** From SIGCONT to the end of a process that has lost its Lease meanwhile. */
const END_MS = 30_000;
const POSTED_MS = 30_000;
/** Longer than it takes to stop the process that waits for the answer. */
const ANSWER_AFTER_MS = 3_000;
const GONE_MS = 30_000;
/** A watch that begins anew is given up after 30 s of silence. */
const CUT_MS = 60_000;
const CREATE = "/client/v4/zones/:zone/custom_hostnames";

const apiServerKilled: Episode = async (scene) => {
  const { controlPlane } = scene.cluster;
  await controlPlane.killApiServer("SIGKILL");
  record(scene, "API server killed", "kube-apiserver");
  await delay(scene.random.between(0, LONGEST_OUTAGE_MS));
  await controlPlane.startApiServer();
  return undefined;
};

/** What the watches saw last is older than what is kept: they cannot resume. */
const compacted: Episode = async (scene) => {
  const { controlPlane } = scene.cluster;
  await controlPlane.killApiServer("SIGKILL");
  await controlPlane.compactEtcd();
  await controlPlane.startApiServer();
  record(scene, "etcd compacted, API server restarted", "etcd");
  return undefined;
};

/** Both replicas' clocks are set by an hour, and much is asked of them at the wrong time; then they are set right, without notice. */
function jump(kind: "wall clock forward" | "wall clock back", ms: number): Episode {
  return async (scene) => {
    const { cluster, user } = scene;
    for (const replica of cluster.replicas) await replica.jumpWallClock(ms);
    record(scene, kind, "both replicas");
    return async () => {
      const enough = user.changes + CHANGES_AT_WRONG_TIME;
      await waitUntil("changes at the wrong time", () => user.changes >= enough, { timeoutMs: CHANGES_MS });
      for (const replica of cluster.replicas) await replica.jumpWallClock(-ms);
      record(scene, ms > 0 ? "wall clock back" : "wall clock forward", "both replicas");
    };
  };
}

/** It does not come back, as with its node, before the other one leads. */
const leaderKilled: Episode = async (scene) => {
  const { cluster } = scene;
  const leader = await cluster.leader();
  const { promise: back, resolve: bringBack } = Promise.withResolvers<void>();
  await leader.kill(back);
  record(scene, "leader killed", leader.name);
  return async () => {
    await cluster.leader(leader).finally(bringBack);
  };
};

const leaderTerminated: Episode = async (scene) => {
  const leader = await scene.cluster.leader();
  record(scene, "leader terminated (SIGTERM)", leader.name);
  const ended = leader.terminate();
  return async () => {
    const code = await ended;
    if (code !== 0) scene.violations.push(`${leader.name} was asked to stop and ended with ${code}`);
  };
};

/**
 * The leader is stopped while it waits for Cloudflare's answer to a POST that was carried out, and goes on when another one
 * leads: it must end, and begin nothing more outside. The other one must find the row.
 */
const leaderStopped: Episode = async (scene) => {
  const { cluster, violations } = scene;
  const leader = await cluster.leader();
  await postUnderWay(scene);
  leader.freeze();
  record(scene, "leader stopped (SIGSTOP)", leader.name);
  return async () => {
    const endsBefore = leader.ends.length;
    try {
      await cluster.leader(leader);
    } finally {
      leader.thaw();
    }
    const thawedAt = Date.now();
    await waitUntil(`${leader.name} to end`, () => leader.ends.length > endsBefore, { timeoutMs: END_MS }).catch(
      (error: Error) => {
        violations.push(`${leader.name} was stopped past its Lease and goes on: ${error.message}`);
      },
    );
    const end = leader.ends[endsBefore];
    if (end !== undefined && end.cause !== "lost the Lease") violations.push(`${leader.name} ended because it was ${end.cause}`);
    violations.push(...begunSince(leader, thawedAt, end?.at ?? Date.now()));
  };
};

/**
 * All watches that begin by themselves become black holes at once. The leader, whose domains and claims are listed, finishes a
 * deletion, and is asked to stop: who leads then believes that the domain is alive until its own limit of silence has passed. It
 * must not make a row for it.
 */
export const deafSuccessor: Episode = async (scene) => {
  const { cluster, user } = scene;
  const successor = cluster.replicas.find(({ proxy }) => !proxy.lists("customdomains"));
  if (successor === undefined) throw new Error("there is no replica whose watches begin by themselves");
  if ((await cluster.leader()) === successor) {
    record(scene, "leader terminated (SIGTERM)", successor.name);
    await successor.terminate();
    await cluster.leader(successor);
    await cluster.complete();
  }
  const leader = cluster.standbyOf(successor);
  const published = (): Wanted | undefined =>
    [...user.live.values()].find((wanted) => wanted.published.length > 0 && !user.isReserved(wanted));
  const victim = await waitUntil("a domain to delete", published, { timeoutMs: GONE_MS });
  user.reserve(victim);
  await waitUntil(`the row of ${keyOf(victim)}`, () => hostnamesAt(cluster.environment).includes(victim.hostname), {
    timeoutMs: GONE_MS,
  });
  await Promise.all(cluster.replicas.map(darkenBeginnings));
  await user.delete(victim);
  await waitUntil(`${keyOf(victim)} to be gone`, async () => (await user.get(victim)) === undefined, { timeoutMs: GONE_MS });
  record(scene, "leader terminated (SIGTERM)", leader.name);
  const ended = leader.terminate();
  return async () => {
    await ended;
    const cut = (): boolean => cluster.replicas.every(({ proxy }) => proxy.dark === 0);
    await waitUntil("the operator to cut the black holes", cut, { timeoutMs: CUT_MS });
  };
};

/** A new domain whose row is being made: the row is there, and Cloudflare has not answered. */
async function postUnderWay({ cluster, user }: Scene): Promise<void> {
  const { cloudflare } = cluster.world;
  const { createdRows } = cloudflare.ledger();
  cloudflare.addFault({ method: "POST", path: CREATE, times: 1, delayAfterMs: ANSWER_AFTER_MS });
  await user.create();
  await waitUntil("a row that is being made", () => cloudflare.ledger().createdRows > createdRows, {
    timeoutMs: POSTED_MS,
    intervalMs: 5,
  });
}

/** A mutation is logged at its end: what began before the process was stopped may end after. */
function begunSince({ name, mutations }: Replica, from: number, to: number): string[] {
  return mutations
    .filter(({ at, durationMs = 0 }) => at <= to && at - durationMs > from)
    .map(({ at }) => `${name} wrote outside ${at - from} ms after it was thawed, having lost its Lease`);
}

function record({ cluster }: Scene, kind: ProcessFault, victim: string): void {
  cluster.tally.record({ kind, victim, what: "process", isLease: false });
}

export const PROCESS_EPISODES: Readonly<Record<ProcessFault, Episode>> = {
  "API server killed": apiServerKilled,
  "etcd compacted, API server restarted": compacted,
  "wall clock forward": jump("wall clock forward", HOUR_MS),
  "wall clock back": jump("wall clock back", -HOUR_MS),
  "leader killed": leaderKilled,
  "leader stopped (SIGSTOP)": leaderStopped,
  "leader terminated (SIGTERM)": leaderTerminated,
};
