import type { ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Agent, type Dispatcher } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAuthority } from "../control-plane/certificates.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { FaultTally } from "./fault-book.ts";
import type { PlantedFault } from "./fault-kinds.ts";
import { FaultyProxy } from "./faulty-proxy.ts";
import { SeededRandom } from "./seeded-random.ts";

const DOMAINS = "/apis/customdomains.dev/v1/customdomains";
const WATCH = `${DOMAINS}?watch=true&resourceVersion=5`;
const EVENT = `${JSON.stringify({ type: "MODIFIED", object: { metadata: { name: "shop" } } })}\n`;

/** What stands in for the API server: answers JSON, keeps watches open, and remembers what it was asked. */
class Target {
  readonly asked: string[] = [];
  readonly watches = new Set<ServerResponse>();
  readonly server: Server;
  readonly caData: string;

  constructor() {
    const authority = createAuthority("target-ca");
    this.caData = authority.cert;
    this.server = createServer(authority.issueServer("target", ["127.0.0.1"]), (request, response) => {
      this.asked.push(`${request.method} ${request.url}`);
      request.resume();
      if (request.url?.includes("watch=") === true) {
        response.writeHead(200).flushHeaders();
        this.watches.add(response);
      } else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ answer: "x".repeat(4_000) }));
    });
  }

  say(line: string): void {
    for (const watch of this.watches) watch.write(line);
  }
}

let target: Target;
let tally: FaultTally;
let proxy: FaultyProxy;
let agent: Agent;

beforeEach(async () => {
  target = new Target();
  await new Promise<void>((resolve) => target.server.listen(0, "127.0.0.1", resolve));
  tally = new FaultTally();
  const server = `https://127.0.0.1:${(target.server.address() as AddressInfo).port}`;
  const upstream = { server, caData: target.caData };
  proxy = await FaultyProxy.start({ upstream, victim: "a", random: new SeededRandom(1), tally, pageSize: 7 });
  agent = new Agent({ allowH2: false, connect: { ca: proxy.cluster.caData, timeout: 1_000 } });
});
afterEach(async () => {
  await agent.destroy();
  await proxy[Symbol.asyncDispose]();
  target.server.closeAllConnections();
  target.server.close();
});

function ask(path: string, options: { method?: "GET" | "PUT"; authorization?: string; signal?: AbortSignal } = {}) {
  const { method = "GET", authorization = "Bearer one", signal = AbortSignal.timeout(5_000) } = options;
  return agent.request({
    origin: proxy.cluster.server,
    path,
    method,
    headers: { authorization },
    body: method === "PUT" ? "{}" : null,
    signal,
  });
}

async function linesOf(answer: Dispatcher.ResponseData): Promise<string> {
  let text = "";
  try {
    for await (const chunk of answer.body) text += String(chunk);
    return `${text}<end>`;
  } catch {
    return `${text}<broken>`;
  }
}

/** A watch through the proxy, open on both sides. */
async function watch(): Promise<Dispatcher.ResponseData> {
  const answer = await ask(WATCH, { signal: new AbortController().signal });
  await waitUntil("the watch", () => proxy.openWatches > 0 && target.watches.size > 0, { timeoutMs: 5_000 });
  return answer;
}

describe("a proxy without rules", () => {
  it("forwards calls, with smaller pages, and watches as they come", async () => {
    const answer = await ask(`${DOMAINS}?limit=500`);
    expect(await answer.body.json()).toEqual({ answer: "x".repeat(4_000) });
    expect(target.asked).toEqual([`GET ${DOMAINS}?limit=7`]);
    const lines = linesOf(await watch());
    target.say(EVENT);
    await delay(20);
    proxy.endWatches();
    expect(await lines).toBe(`${EVENT}<end>`);
    expect(tally.count()).toBe(0);
  });
});

describe("faults of calls", () => {
  it.each([
    ["429 with Retry-After", 429],
    ["500", 500],
    ["503", 503],
  ] as const)("%s is answered in place of the API server", async (kind, status) => {
    proxy.faults.plant({ kind, times: 1 });
    const answer = await ask(DOMAINS);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["retry-after"]).toBe(status === 429 ? "1" : undefined);
    expect(await answer.body.json()).toMatchObject({ kind: "Status", code: status });
    expect(target.asked).toEqual([]);
    expect((await ask(DOMAINS)).statusCode).toBe(200);
    expect(tally.fired).toMatchObject([{ kind, victim: "a", what: "list customdomains", isLease: false }]);
  });

  it("resets before the API server hears of it, or after it has acted", async () => {
    proxy.faults.plant({ kind: "reset before sending", times: 1 });
    await expect(ask(`${DOMAINS}/x`, { method: "PUT" })).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(target.asked).toEqual([]);
    proxy.faults.plant({ kind: "reset after applying", times: 1 });
    await expect(ask(`${DOMAINS}/x`, { method: "PUT" })).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(target.asked).toEqual([`PUT ${DOMAINS}/x`]);
    expect([tally.count("reset before sending"), tally.count("reset after applying")]).toEqual([1, 1]);
  });

  it("cuts the body in half, with and without saying that it is complete", async () => {
    proxy.faults.plant({ kind: "truncated answer", times: 8 });
    const ends = new Set<string>();
    for (let index = 0; index < 8; index += 1) {
      const text = await linesOf(await ask(DOMAINS));
      expect(text).toMatch(/^\{"answer":"x{1,3990}</);
      ends.add(text.slice(text.indexOf("<")));
    }
    expect(ends).toEqual(new Set(["<end>", "<broken>"]));
  });

  it("lets an answer drip", async () => {
    proxy.faults.plant({ kind: "slow answer", times: 1 });
    const started = performance.now();
    expect(await linesOf(await ask(DOMAINS))).toMatch(/x"\}<end>$/);
    expect(performance.now() - started).toBeGreaterThan(2_000);
  });

  it("never answers in a black hole, and notices when it is cut", async () => {
    proxy.faults.plant({ kind: "black hole: call", times: 1 });
    await expect(ask(DOMAINS, { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({ name: "TimeoutError" });
    expect(tally.mostDark).toBe(1);
    await waitUntil("the end of the black hole", () => proxy.dark === 0, { timeoutMs: 5_000 });
    proxy.faults.plant({ kind: "black hole: connection", times: 1 });
    proxy.resetConnections();
    await expect(ask(DOMAINS)).rejects.toMatchObject({ name: "ConnectTimeoutError" });
    expect(tally.fired.map(({ kind }) => kind)).toEqual(["black hole: call", "black hole: connection"]);
  });

  it("refuses a token until another is used", async () => {
    proxy.revoke("one");
    expect((await ask(DOMAINS)).statusCode).toBe(401);
    expect((await ask(DOMAINS, { authorization: "Bearer two" })).statusCode).toBe(200);
    expect(tally.count("401 until the token is replaced")).toBe(1);
  });

  it("strikes only what the rule asks for, and not when there was nothing to spoil", async () => {
    proxy.faults.plant({ kind: "410 on a continued list" });
    proxy.faults.plant({ kind: "500", where: ({ resource }) => resource === "leases" });
    expect((await ask(`${DOMAINS}?limit=500`)).statusCode).toBe(200);
    expect((await ask(`${DOMAINS}?limit=500&continue=abc`)).statusCode).toBe(410);
    expect((await ask("/apis/coordination.k8s.io/v1/namespaces/x/leases/y")).statusCode).toBe(500);
    expect(tally.onLeases).toBe(1);
    proxy.faults.liftAll();
    const planted = proxy.faults.plant({ kind: "reset after applying", times: 1 });
    await new Promise((resolve) => target.server.close(resolve).closeAllConnections());
    await expect(ask(DOMAINS)).rejects.toThrow();
    expect(planted.fired).toBe(0);
  });
});

describe("faults of watches", () => {
  const strike = async (kind: PlantedFault): Promise<string> => {
    const lines = linesOf(await watch());
    proxy.faults.plant({ kind, times: 1 });
    target.say(EVENT);
    return lines;
  };

  it("ends after half a line", async () => {
    expect(await strike("half a watch line")).toBe(`${EVENT.slice(0, EVENT.length / 2)}<end>`);
  });

  it("says in an ERROR event that the version is gone", async () => {
    const [line = ""] = (await strike("410 as an ERROR event")).split("\n");
    expect(JSON.parse(line)).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
  });

  it("is reset", async () => {
    expect(await strike("reset of a watch")).toBe("<broken>");
  });

  it("delivers an event in drops, whole and in order", async () => {
    const long = `${JSON.stringify({ type: "ADDED", object: "y".repeat(2_000) })}\n`;
    const lines = linesOf(await watch());
    proxy.faults.plant({ kind: "slow watch", times: 1 });
    const started = performance.now();
    target.say(long);
    target.say(EVENT);
    for (const each of target.watches) each.end();
    expect(await lines).toBe(`${long}${EVENT}<end>`);
    expect(performance.now() - started).toBeGreaterThan(100);
  });

  it("becomes a black hole: nothing more, and no end", async () => {
    const open = linesOf(await watch());
    proxy.darkenWatches();
    target.say(EVENT);
    for (const each of target.watches) each.end();
    expect(await Promise.race([open, delay(300, "still open")])).toBe("still open");
    expect([proxy.openWatches, proxy.dark, tally.count("black hole: watch")]).toEqual([0, 1, 1]);
  });
});
