import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { CLASS, Environment } from "../harness/environment.ts";
import type { Allowance } from "../harness/evidence.ts";
import { demonstrationTimings } from "../simulators/cloudflare/timings.ts";
import type { World } from "../simulators/world.ts";
import { RELEASE } from "../tools/helm.ts";
import { FaultTally } from "./fault-book.ts";
import { FaultyProxy } from "./faulty-proxy.ts";
import { Replica } from "./replica.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** No budget of a provider is what is tested here: they are wide, and damping is short. */
const WIDE = 10_000;
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${RELEASE.namespace}/leases/custom-domain-operator`;
/** What the second replica lists as from a server before WatchList, in pages so small that there are several. */
const LISTED = ["customdomains", "domainclaims"];
const PAGE_SIZE = 7;
/** A Lease runs out 15 s after its last renewal; starting a process takes a while on a busy machine. */
const LEADER_MS = 60_000;

const leaseSchema = z.object({ spec: z.object({ holderIdentity: z.string().optional() }).optional() });

export interface ChaosClusterOptions {
  /** Names the evidence. */
  readonly name: string;
  readonly random: SeededRandom;
  readonly allow?: readonly Allowance[];
}

/**
 * A real control plane with the chart, the simulated world, and two replicas of the operator with leader election, each behind
 * a faulty proxy of its own. The first one's API server streams all initial events, the second one's refuses some and is listed in pages.
 */
export class ChaosCluster implements AsyncDisposable {
  readonly environment: Environment;
  readonly tally: FaultTally;
  readonly replicas: readonly Replica[];

  static async start({ name, random, allow }: ChaosClusterOptions): Promise<ChaosCluster> {
    const environment = await Environment.start({
      name,
      allow: allow ?? [],
      world: {
        timings: demonstrationTimings,
        limits: { requests: WIDE * WIDE, createsPerMinute: WIDE },
        chargebeeRequestsPerMinute: WIDE,
      },
      classSpec: (spec) => ({
        ...spec,
        cloudflare: { ...spec.cloudflare, requestsPer5Minutes: WIDE * 10, createsPerMinute: WIDE, snapshotSeconds: 2 },
        ownership: { ...spec.ownership, recheckMinSeconds: 1 },
        billing: {
          ...spec.billing,
          chargebee: { ...spec.billing.chargebee, debounceSeconds: 1, holdDownSeconds: 2, requestsPerMinute: WIDE },
        },
      }),
    });
    const tally = new FaultTally();
    const replicas: Replica[] = [];
    try {
      for (const replica of ["replica-a", "replica-b"]) {
        const paged = replicas.length > 0;
        replicas.push(await newReplica(replica, environment, { random: random.fork(replica), tally, paged }));
      }
      const cluster = new ChaosCluster(environment, tally, replicas);
      await Promise.all(replicas.map((replica) => replica.start()));
      await cluster.leader();
      return cluster;
    } catch (error) {
      for (const replica of replicas) {
        await replica.stop();
        await replica.proxy[Symbol.asyncDispose]();
      }
      await environment.stop();
      throw error;
    }
  }

  private constructor(environment: Environment, tally: FaultTally, replicas: readonly Replica[]) {
    this.environment = environment;
    this.tally = tally;
    this.replicas = replicas;
  }

  get controlPlane(): ControlPlane {
    return this.environment.controlPlane;
  }

  get world(): World {
    return this.environment.world;
  }

  /** The replica that the Lease names, undefined for none of those that run, or when the API server does not answer. */
  async holder(): Promise<Replica | undefined> {
    const answer = await this.controlPlane.request("GET", LEASE).catch(() => undefined);
    if (answer?.status !== 200) return undefined;
    const holder = leaseSchema.parse(answer.body).spec?.holderIdentity;
    return this.replicas.find(({ name, running }) => running && name === holder);
  }

  /** Waits for a leader, other than the given one. */
  leader(other?: Replica): Promise<Replica> {
    const found = async () => {
      const holder = await this.holder();
      return holder === other ? undefined : holder;
    };
    return waitUntil("a replica to lead", found, { timeoutMs: LEADER_MS, intervalMs: 100 });
  }

  /** The one of the two that does not lead. */
  standbyOf(leader: Replica): Replica {
    const standby = this.replicas.find((replica) => replica !== leader);
    if (standby === undefined) throw new Error("there is one replica only");
    return standby;
  }

  /** Waits until both replicas run with complete caches. */
  async complete(timeoutMs = LEADER_MS * 2): Promise<void> {
    for (const replica of this.replicas) {
      await waitUntil(`${replica.name} to be ready`, () => replica.isReady(), { timeoutMs, intervalMs: 200 });
    }
  }

  liftFaults(): void {
    for (const { proxy } of this.replicas) proxy.faults.liftAll();
  }

  /** For when nothing can be awaited any more. */
  killAtOnce(): void {
    for (const replica of this.replicas) replica.killAtOnce();
  }

  async stop(): Promise<void> {
    this.liftFaults();
    for (const replica of this.replicas) await replica.stop();
    for (const { proxy, logFile } of this.replicas) {
      await proxy[Symbol.asyncDispose]();
      await appendFile(this.environment.logFile, await readFile(logFile, "utf8"));
    }
    await this.environment.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export { CLASS };

async function newReplica(
  name: string,
  environment: Environment,
  { random, tally, paged }: { readonly random: SeededRandom; readonly tally: FaultTally; readonly paged: boolean },
): Promise<Replica> {
  const { controlPlane } = environment;
  const { server, caData, dir } = controlPlane;
  const proxy = await FaultyProxy.start({
    upstream: { server, caData },
    victim: name,
    random,
    tally,
    ...(paged ? { listed: LISTED, pageSize: PAGE_SIZE } : {}),
  });
  const directory = join(dir, "replicas");
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${name}.log`), "");
  let issued = 0;
  const issueToken = async (): Promise<string> => {
    const token = await controlPlane.serviceAccountToken(RELEASE.namespace, "custom-domain-operator", {
      expirationSeconds: 7_200,
    });
    issued += 1;
    environment.keepSecret(`token ${issued} of ${name}`, token);
    return token;
  };
  return new Replica({ name, proxy, directory, namespace: RELEASE.namespace, issueToken });
}
