import Cloudflare from "cloudflare";
import { onTestFinished } from "vitest";
import { SkewedClock } from "../clock.ts";
import { type DnsSimulator, startDnsSimulator } from "../dns/dns-simulator.ts";
import { type CloudflareSimulator, type CloudflareSimulatorOptions, startCloudflareSimulator } from "./cloudflare-simulator.ts";
import type { ZoneOptions } from "./zone.ts";

export const ZONE_ID = "023e105f4ecef8ad9ca31a8372d0c353";
export const TOKEN = "test-token";
export const HOSTNAME = "app.customer.dev";
export const TARGET = "edge.platform.dev";
export const EDGE_ADDRESS = "127.0.0.21";
export const DAY_MS = 86_400_000;

export interface Fixture {
  readonly clock: SkewedClock;
  readonly dns: DnsSimulator;
  readonly simulator: CloudflareSimulator;
  /** The official client, retries off. */
  readonly client: Cloudflare;
  /** Jumps, then waits until every look at DNS that became due has had its effect. */
  pass(ms: number): Promise<void>;
  /** `days` in steps fine enough that every stage between could happen. */
  passDays(days: number): Promise<void>;
  create(body?: Record<string, unknown>): Promise<string>;
  row(id: string): Promise<RowBody>;
}

export interface RowBody {
  readonly id: string;
  readonly hostname: string;
  readonly status?: string;
  readonly verification_errors?: readonly string[];
  readonly ownership_verification?: { readonly name: string; readonly value: string };
  readonly created_at?: string;
  readonly ssl?: {
    readonly status: string;
    readonly certificates?: readonly { readonly expires_on: string }[];
    readonly validation_errors?: readonly { readonly message: string }[];
    readonly validation_records?: readonly {
      readonly txt_name?: string;
      readonly txt_value?: string;
      readonly http_url?: string;
    }[];
  };
}

/** DNS, the simulator and a client, with a SaaS zone and a customer's zone that has no records yet. */
export async function startFixture(
  zone: Partial<ZoneOptions> = {},
  more: Partial<Pick<CloudflareSimulatorOptions, "limits" | "timings" | "tokens" | "zones">> = {},
): Promise<Fixture> {
  const clock = new SkewedClock();
  const dns = await startDnsSimulator({ clock });
  for (const name of ["platform.dev", "customer.dev"]) dns.addZone(name);
  dns.setRecords(TARGET, "A", [EDGE_ADDRESS]);
  dns.setRecords("origin.platform.dev", "A", ["127.0.0.22"]);
  const simulator = await startCloudflareSimulator({
    clock,
    resolver: dns.resolver,
    tokens: [{ value: TOKEN }],
    zones: [
      {
        id: ZONE_ID,
        name: "platform.dev",
        targets: [TARGET],
        quota: { allocated: 100, hardCap: 1000 },
        fallbackOrigin: { origin: "origin.platform.dev", status: "active" },
        ...zone,
      },
    ],
    ...more,
  });
  onTestFinished(async () => {
    await simulator.close();
    await dns.close();
  });
  const client = newClient(simulator, TOKEN);
  const pass = async (ms: number) => {
    clock.advance(ms);
    await simulator.idle();
  };
  return {
    clock,
    dns,
    simulator,
    client,
    pass,
    passDays: async (days) => {
      for (let step = 0; step < days * 4; step += 1) await pass(DAY_MS / 4);
    },
    create: async (body) => {
      const response = await post(simulator, { hostname: HOSTNAME, ssl: { method: "txt", type: "dv" }, ...body });
      if (response.status !== 201) throw new Error(`create answered ${response.status}: ${JSON.stringify(response.body)}`);
      return response.body.result.id;
    },
    row: async (id) => (await call(simulator, "GET", `/custom_hostnames/${id}`)).body.result,
  };
}

export function newClient(simulator: CloudflareSimulator, token: string): Cloudflare {
  return new Cloudflare({
    apiToken: token,
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    baseURL: simulator.apiURL,
    maxRetries: 0,
  });
}

export interface Answer<Result = RowBody> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly success: boolean;
    readonly errors: readonly { readonly code: number; readonly message: string }[];
    readonly messages: readonly { readonly message: string }[];
    readonly result: Result;
    readonly result_info: Readonly<Record<string, number>>;
  };
}

export function post(simulator: CloudflareSimulator, body: Record<string, unknown>): Promise<Answer> {
  return call(simulator, "POST", "/custom_hostnames", { body });
}

/** A call as no client library would spoil it; `path` is below the zone unless it starts with `//`. */
export async function call<Result = RowBody>(
  simulator: CloudflareSimulator,
  method: string,
  path: string,
  more: { readonly body?: unknown; readonly authorization?: string | undefined } = {},
): Promise<Answer<Result>> {
  const authorization = "authorization" in more ? more.authorization : `Bearer ${TOKEN}`;
  const body = more.body === undefined ? {} : { body: typeof more.body === "string" ? more.body : JSON.stringify(more.body) };
  const url = path.startsWith("//") ? `${simulator.apiURL}${path.slice(1)}` : `${simulator.apiURL}/zones/${ZONE_ID}${path}`;
  const headers = authorization === undefined ? {} : { authorization };
  const response = await fetch(url, { method, headers, ...body });
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

export const route = ({ dns }: Fixture) => dns.setRecords(HOSTNAME, "CNAME", [TARGET]);

/** Publishes what the API asks for; the negative answers cached so far are forgotten. */
export async function publishChallenge({ dns, row }: Fixture, id: string): Promise<void> {
  const records = (await row(id)).ssl?.validation_records ?? [];
  dns.setRecords(
    `_acme-challenge.${HOSTNAME}`,
    "TXT",
    records.map((record) => record.txt_value ?? ""),
  );
  dns.flush();
}

export async function publishOwnership({ dns, row }: Fixture, id: string): Promise<void> {
  const record = (await row(id)).ownership_verification;
  dns.setRecords(record?.name ?? "", "TXT", [record?.value ?? ""]);
  dns.flush();
}

export async function refresh({ simulator }: Fixture, id: string): Promise<number> {
  const answer = await call(simulator, "PATCH", `/custom_hostnames/${id}`, { body: { ssl: { method: "txt", type: "dv" } } });
  await simulator.idle();
  return answer.status;
}

export async function createInitialized(fixture: Fixture, body: Record<string, unknown> = {}): Promise<string> {
  const id = await fixture.create(body);
  await fixture.pass(3_000);
  return id;
}
