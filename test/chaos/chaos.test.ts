import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChaosRun } from "./chaos-run.ts";
import { FAULT_KINDS, type FaultKind } from "./fault-kinds.ts";
import { deafSuccessor } from "./process-episodes.ts";
import { faultLines, histogram, verdictLines } from "./report.ts";
import type { Verdict } from "./verdict.ts";

/** `make chaos` takes another one each time. */
const SEED = 20_261_122;
const EPISODE_MS = 300_000;
const EACH = 2;
/** Faults of calls and of running watches: one rule of two strikes each. */
const PLANTED: readonly FaultKind[] = [
  "reset before sending",
  "reset after applying",
  "slow answer",
  "429 with Retry-After",
  "500",
  "503",
  "truncated answer",
  "black hole: call",
  "black hole: connection",
  "410 on a continued list",
  "half a watch line",
  "slow watch",
  "reset of a watch",
];

let run: ChaosRun;
let verdict: Verdict;

function say(line: string): void {
  process.stdout.write(`chaos: ${line}\n`);
}

beforeAll(async () => {
  run = await ChaosRun.start({
    name: "chaos",
    seed: SEED,
    namespaces: ["lindqvist", "okafor"],
    slots: 10,
    probes: 2,
    pause: [50, 250],
    settleMs: 120_000,
    say,
  });
}, EPISODE_MS);
afterAll(() => run.stop());

describe("two replicas of the operator, while users change things all the time", { timeout: EPISODE_MS }, () => {
  it("come through faults of the connection to the API server", async () => {
    for (const kind of PLANTED) await run.episode(kind, EACH);
    await run.episode("410 on a watch", EACH);
    await run.episode("410 as an ERROR event", EACH);
    await run.episode("401 until the token is replaced", EACH);
    expect(run.probes.unanswered).toEqual([]);
  });

  it("come through ten black holes at once, although the leader ends and its successor is deaf", async () => {
    await run.episode("black hole: watch", EACH, deafSuccessor);
    expect(run.cluster.tally.mostDark).toBeGreaterThanOrEqual(10);
    expect(run.probes.unanswered).toEqual([]);
  });

  it("come through an API server that is killed, a compaction, and a wall clock that is set", async () => {
    await run.episode("wall clock forward", 1);
    await run.episode("wall clock back", 1);
    await run.episode("API server killed", 1);
    await run.episode("etcd compacted, API server restarted", 1);
    expect(run.cluster.tally.expiredByServer).toBeGreaterThan(0);
    expect(run.probes.unanswered).toEqual([]);
  });

  it("come through leaders that are asked to stop, killed, and stopped past their Lease", async () => {
    await run.episode("leader terminated (SIGTERM)", 1);
    await run.episode("leader killed", 1);
    await run.episode("leader stopped (SIGSTOP)", 1);
    expect(run.probes.unanswered).toEqual([]);
  });

  it("come to rest", async () => {
    await run.settle();
    verdict = await run.verdict();
    for (const line of [...faultLines(run.cluster.tally, run.probes.recoveries), ...verdictLines(verdict)]) say(line);
    expect(verdict.statusesJudged).toBeGreaterThan(100);
  });
});

describe("afterwards", () => {
  it("every kind of fault has struck, as often as was planned", () => {
    const counts = histogram(run.cluster.tally);
    expect(FAULT_KINDS.filter((kind) => counts[kind] === 0)).toEqual([]);
    const planned = Object.fromEntries(PLANTED.map((kind) => [kind, EACH]));
    expect(counts).toMatchObject({
      ...planned,
      "API server killed": 1,
      "etcd compacted, API server restarted": 1,
      "wall clock forward": 2,
      "wall clock back": 2,
      "leader killed": 1,
      "leader stopped (SIGSTOP)": 1,
    });
  });

  it("no change was lost", () => {
    expect(verdict.lostChanges).toEqual([]);
  });

  it("no name has had two rows, and nothing was charged twice", () => {
    expect(verdict.duplicateRows).toEqual([]);
    expect(verdict.doubleCharges).toEqual([]);
  });

  it("nothing was left unhandled, and no process ended but by a signal of the test or by the loss of its Lease", () => {
    expect(verdict.unhandled).toEqual([]);
    const ends = run.cluster.replicas.flatMap(({ ends }) => ends.map(({ cause }) => cause));
    expect(ends.filter((cause) => cause === "killed by the test")).toHaveLength(1);
    const terminated = run.cluster.tally.count("leader terminated (SIGTERM)");
    expect(ends.filter((cause) => cause === "stopped by the test")).toHaveLength(terminated);
    expect(ends).toContain("lost the Lease");
  });

  it("every status that was written keeps the rules", () => {
    expect(verdict.statuses).toEqual([]);
  });
});
