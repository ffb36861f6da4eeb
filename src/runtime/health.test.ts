import { get } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { HealthServer } from "./health.ts";
import { Metrics } from "./metrics.ts";

const servers: HealthServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(address = "127.0.0.1:0"): Promise<{
  health: HealthServer;
  metrics: Metrics;
  ask: (path: string, method?: string) => Promise<{ status: number; body: string }>;
}> {
  const metrics = new Metrics();
  const health = new HealthServer(metrics);
  const port = await health.listen(address);
  servers.push(health);
  const host = address.startsWith("[") ? "[::1]" : "127.0.0.1";
  const ask = (path: string, method = "GET"): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const request = get(`http://${host}:${port}${path}`, { method }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      });
      request.on("error", reject);
    });
  return { health, metrics, ask };
}

test("one failing check makes its probe fail, named with its reason; the other probe knows nothing of it", async () => {
  const { health, ask } = await serve();
  let problem: string | undefined = "the caches are not complete yet";
  health.addReadiness("caches", () => problem);
  health.addReadiness("other", () => undefined);
  health.addLiveness("event-loop", () => undefined);
  expect(await ask("/readyz?verbose")).toEqual({
    status: 500,
    body: "[-]caches failed: the caches are not complete yet\n[+]other ok\nfailed\n",
  });
  expect(await ask("/livez")).toEqual({ status: 200, body: "[+]event-loop ok\nok\n" });
  expect(await ask("/healthz")).toEqual({ status: 200, body: "[+]event-loop ok\nok\n" });
  problem = undefined;
  expect((await ask("/readyz")).status).toBe(200);
});

test("a check that throws is a failed check, not the end of the process", async () => {
  const { health, ask } = await serve();
  health.addLiveness("odd", () => {
    throw new Error("out of order");
  });
  expect(await ask("/livez")).toEqual({ status: 500, body: "[-]odd failed: out of order\nfailed\n" });
});

test("metrics are in the text format, with those of the process", async () => {
  const { metrics, ask } = await serve();
  metrics.request("GET", "200", 12);
  const { status, body } = await ask("/metrics");
  expect(status).toBe(200);
  expect(body).toContain('rest_client_requests_total{code="200",method="GET"} 1\n');
  expect(body).toContain("process_resident_memory_bytes");
});

test("anything else is refused", async () => {
  const { ask } = await serve();
  expect((await ask("/")).status).toBe(404);
  expect((await ask("/readyz", "DELETE")).status).toBe(405);
});

describe("addresses", () => {
  test("an IPv6 address stands in brackets", async () => {
    const { ask } = await serve("[::1]:0");
    expect((await ask("/livez")).status).toBe(200);
  });

  test("one that is taken rejects", async () => {
    const health = new HealthServer(new Metrics());
    const port = await health.listen("127.0.0.1:0");
    servers.push(health);
    await expect(new HealthServer(new Metrics()).listen(`127.0.0.1:${port}`)).rejects.toThrow("EADDRINUSE");
  });
});
