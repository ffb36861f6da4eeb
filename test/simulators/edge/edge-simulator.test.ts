import { createHmac, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Agent, request } from "undici";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { SkewedClock } from "../clock.ts";
import type { EdgeView } from "../cloudflare/edge-view.ts";
import { TestAuthority } from "../pki.ts";
import { type EdgeSimulator, startEdgeSimulator } from "./edge-simulator.ts";

const HOST = "app.customer.dev";
const KEY = Buffer.from("a signing key of the tests");
const DAY_MS = 86_400_000;

let clock: SkewedClock;
let ca: TestAuthority;
let edge: EdgeSimulator;
let views: Map<string, EdgeView>;

function serve(hostname: string, more: Partial<EdgeView> = {}): void {
  const certificate = { issuedAt: clock.now(), expiresAt: clock.now() + 90 * DAY_MS };
  views.set(hostname, { hostname, isActive: true, certificate, ...more });
}

beforeEach(async () => {
  clock = new SkewedClock();
  ca = new TestAuthority();
  views = new Map();
  edge = await startEdgeSimulator({ clock, ca, cloudflare: { edgeView: (name) => views.get(name) }, signingKey: KEY });
  return () => edge.close();
});

interface Got {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

async function get(scheme: "http" | "https", host: string, path = "/", signal?: AbortSignal): Promise<Got> {
  const connect = { ca: ca.caPem, lookup: pinned };
  const agent = new Agent({ connect, maxResponseSize: 16_384 });
  onTestFinished(() => agent.destroy());
  const port = scheme === "http" ? edge.httpPort : edge.httpsPort;
  const response = await request(`${scheme}://${host}:${port}${path}`, { dispatcher: agent, ...(signal && { signal }) });
  const { location } = response.headers;
  const body = await response.body.text();
  return { status: response.statusCode, location: typeof location === "string" ? location : undefined, body };
}

function pinned(_: string, __: object, done: (error: null, addresses: { address: string; family: number }[]) => void): void {
  done(null, [{ address: edge.address, family: 4 }]);
}

/** The `code` of what a request failed with. */
async function failure(promise: Promise<Got>): Promise<string> {
  try {
    return `status ${(await promise).status}`;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

test.each(["http", "https"] as const)(
  "%s: an active hostname answers the check with its own host and the caller's nonce, signed",
  async (scheme) => {
    serve(HOST);
    edge.origin.setDomainID(HOST, "2c8a4d6f");
    const nonce = randomBytes(16).toString("hex");
    const { status, body } = await get(scheme, HOST, `/debug/domain-check?n=${nonce}`);
    expect(status).toBe(200);
    const answer = JSON.parse(body);
    expect(answer).toMatchObject({ v: 1, host: HOST, domain_id: "2c8a4d6f", nonce });
    expect(Math.abs(answer.iat - clock.now() / 1000)).toBeLessThan(5);
    expect(answer.sig).toBe(createHmac("sha256", KEY).update(`1|${HOST}|2c8a4d6f|${nonce}|${answer.iat}`).digest("hex"));
  },
);

test("an unknown or not yet active hostname is refused, whatever the scheme", async () => {
  expect((await get("http", HOST)).status).toBe(403);
  expect(await failure(get("https", HOST))).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  serve(HOST, { isActive: false });
  expect((await get("http", HOST)).status).toBe(403);
  expect((await get("https", HOST)).status).toBe(403);
});

test("an active hostname without a certificate is served by HTTP alone", async () => {
  serve(HOST, { certificate: undefined });
  expect((await get("http", HOST)).body).toBe(`Hello from ${HOST}\n`);
  expect(await failure(get("https", HOST))).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
});

test("a deleted hostname is refused at once", async () => {
  serve(HOST);
  expect((await get("https", HOST)).status).toBe(200);
  views.delete(HOST);
  expect((await get("http", HOST)).status).toBe(403);
  expect(await failure(get("https", HOST))).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
});

test("www redirects to its apex with path and query while both are active", async () => {
  serve("www.customer.dev");
  expect((await get("https", "www.customer.dev", "/a?b=1")).status).toBe(200);
  serve("customer.dev");
  const answer = await get("https", "www.customer.dev", "/a?b=1");
  expect(answer).toMatchObject({ status: 308, location: "https://customer.dev/a?b=1" });
  edge.setRedirect("old.customer.dev", HOST);
  serve("old.customer.dev");
  expect((await get("http", "old.customer.dev")).location).toBe(`https://${HOST}/`);
});

test("the certificate ends when the simulated one does, by the simulator's clock", async () => {
  serve(HOST);
  const { certificate } = views.get(HOST) ?? {};
  clock.advance(60 * DAY_MS);
  expect((await get("https", HOST)).status).toBe(200);
  clock.advance(31 * DAY_MS);
  expect(certificate?.expiresAt).toBeLessThan(clock.now());
  expect(await failure(get("https", HOST))).toBe("CERT_HAS_EXPIRED");
});

test("TLS faults fail the handshake as their real counterparts do", async () => {
  serve(HOST);
  edge.setFault(HOST, "expired-certificate");
  expect(await failure(get("https", HOST))).toBe("CERT_HAS_EXPIRED");
  edge.setFault(HOST, "other-certificate");
  expect(await failure(get("https", HOST))).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  edge.setFault(HOST, "tls-alert");
  expect(await failure(get("https", HOST))).toMatch(/ALERT|HANDSHAKE/);
  edge.setFault(HOST, undefined);
  expect((await get("https", HOST)).status).toBe(200);
});

test("answers can be signed wrongly, old, or replayed", async () => {
  serve(HOST);
  const nonce = "0".repeat(32);
  const check = async () => JSON.parse((await get("http", HOST, `/debug/domain-check?n=${nonce}`)).body);
  const good = await check();
  edge.setFault("*", "wrong-signature");
  expect((await check()).sig).not.toBe(good.sig);
  edge.setFault("*", "old-issue-time");
  expect(good.iat - (await check()).iat).toBeGreaterThan(3500);
  edge.setFault("*", "replayed-nonce");
  expect((await check()).nonce).not.toBe(nonce);
});

test("answers can be foreign, redirected, failing, huge, endless or cut", async () => {
  serve(HOST);
  edge.setFault(HOST, "foreign-page");
  expect((await get("http", HOST)).body).toContain("parked");
  edge.setFault(HOST, "redirect-elsewhere");
  expect(await get("http", HOST)).toMatchObject({ status: 302, location: "https://elsewhere.customer-login.dev/" });
  edge.setFault(HOST, "server-error");
  expect((await get("http", HOST)).status).toBe(503);
  edge.setFault(HOST, "huge-body");
  expect(await failure(get("http", HOST))).toBe("UND_ERR_RES_EXCEEDED_MAX_SIZE");
  edge.setFault(HOST, "drop");
  expect(await failure(get("http", HOST))).toBe("UND_ERR_SOCKET");
  edge.setFault(HOST, "slow-drip");
  const abort = new AbortController();
  const drip = get("http", HOST, "/", abort.signal);
  expect(await Promise.race([failure(drip), delay(700, "still open")])).toBe("still open");
  abort.abort();
  await expect(drip).rejects.toThrow();
});

test("the check wants a nonce of 32 hexadecimal digits", async () => {
  serve(HOST);
  expect((await get("http", HOST, "/debug/domain-check")).status).toBe(400);
  expect((await get("http", HOST, "/debug/domain-check?n=XYZ")).status).toBe(400);
});

test("handshakes and requests are counted per host, faults are switchable by HTTP", async () => {
  serve(HOST);
  await get("https", HOST);
  await get("http", HOST);
  expect(edge.counters()).toEqual({ handshakes: { [HOST]: 1 }, requests: { [`https ${HOST}`]: 1, [`http ${HOST}`]: 1 } });
  const body = JSON.stringify({ hostname: HOST, fault: "server-error" });
  await fetch(`${edge.url}/admin/hostname-faults`, { method: "POST", body });
  expect((await get("http", HOST)).status).toBe(503);
  expect(await (await fetch(`${edge.url}/admin/state`)).json()).toMatchObject({ faults: { [HOST]: "server-error" } });
});
