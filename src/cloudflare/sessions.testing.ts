import { Agent } from "undici";
import { onTestFinished } from "vitest";
import { type Fixture, startFixture, TOKEN, ZONE_ID } from "../../test/simulators/cloudflare/fixture.ts";
import { cloudflareSchema } from "../api/v1/cloudflare-settings.ts";
import { Timers } from "../runtime/timers.ts";
import type { CloudflareApi } from "./api.ts";
import type { CallContext } from "./guarded-api.ts";
import type { MutationRecord } from "./mutation-log.ts";
import { CloudflareSessions, type ZoneSession, type ZoneSettings } from "./sessions.ts";

export const OTHER_ZONE = "f23e105f4ecef8ad9ca31a8372d0c353";
export const POST = "POST /client/v4/zones/:zone/custom_hostnames";

interface Setup extends Fixture {
  readonly sessions: CloudflareSessions;
  readonly session: ZoneSession;
  readonly records: MutationRecord[];
  readonly changes: string[];
  readonly failures: [readonly string[], unknown][];
  readonly leader: { leading: boolean };
  settings(more?: Record<string, unknown>): ZoneSettings;
  /** The API as one reconcile of one domain gets it. */
  api(hostname: string, more?: Partial<CallContext>): CloudflareApi;
  total(): number;
}

/** Sessions with one open on the simulated Cloudflare, until the test is over. */
export async function setUp(...fixture: Parameters<typeof startFixture>): Promise<Setup> {
  const started = await startFixture(...fixture);
  const { simulator, clock } = started;
  const dispatcher = new Agent({ allowH2: false, connections: 8, pipelining: 1 });
  const records: MutationRecord[] = [];
  const changes: string[] = [];
  const failures: [readonly string[], unknown][] = [];
  const leader = { leading: true };
  const sessions = new CloudflareSessions({
    clock,
    timers: new Timers(clock),
    dispatcher,
    log: { record: (entry) => records.push(entry) },
    assertMayWrite: () => {
      if (!leader.leading) throw new Error("not the leader");
    },
    onChange: (hostname) => changes.push(hostname),
    onSnapshotFailure: (classNames, error) => failures.push([classNames, error]),
  });
  onTestFinished(async () => {
    await sessions.closeAll();
    await dispatcher.destroy();
  });
  const settings = (more: Record<string, unknown> = {}) =>
    cloudflareSchema.parse({
      zoneID: ZONE_ID,
      apiTokenSecretRef: { name: "cloudflare", key: "token" },
      apiURL: simulator.apiURL,
      ...more,
    });
  const session = sessions.open("default", settings(), TOKEN);
  const api = (hostname: string, more: Partial<CallContext> = {}) =>
    session.api({ subject: `CustomDomain/shop/${hostname}`, why: "test", hostnames: [hostname], priority: "normal", ...more });
  const total = () => Object.values(simulator.counters()).reduce((sum, count) => sum + count, 0);
  return { ...started, sessions, session, records, changes, failures, leader, settings, api, total };
}

export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not so within 5 s: ${String(condition)}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
  }
}
