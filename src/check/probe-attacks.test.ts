import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ProbeStage, portOf } from "./probe.testing.ts";

let stage: ProbeStage;
beforeAll(async () => {
  stage = await ProbeStage.start();
});
afterAll(() => stage.close());
beforeEach(() => stage.nextHost());

describe("attacks", () => {
  test.each([
    ["metadata", ["169.254.169.254"]],
    ["loopback", ["127.0.0.1"]],
    ["cluster", ["10.96.0.1"]],
    ["Azure wire server", ["168.63.129.16"]],
    ["one bad among good ones", ["127.0.0.21", "169.254.169.254"]],
    ["one bad among good ones, the bad last", ["127.0.0.21", "192.168.0.1"]],
  ])("an address of %s is never contacted", async (_, addresses) => {
    stage.serve();
    stage.dns.setRecords(stage.host, "A", addresses);
    for (const egress of ["EdgeOnly", "Public"] as const) {
      expect((await stage.check({ egress })).routed).toMatchObject({ status: "False", reason: "AddressNotAllowed" });
    }
    expect(stage.edge.counters().handshakes[stage.host]).toBeUndefined();
  });

  test.each(["::1", "::ffff:127.0.0.21", "64:ff9b::7f00:15", "fd00:ec2::254", "2002:7f00:15::"])(
    "nor is AAAA %s beside a good A",
    async (address) => {
      stage.serve();
      stage.dns.setRecords(stage.host, "A", [stage.edge.address]);
      stage.dns.setRecords(stage.host, "AAAA", [address]);
      expect((await stage.check()).routed.reason).toBe("AddressNotAllowed");
      expect(stage.edge.counters().handshakes[stage.host]).toBeUndefined();
    },
  );

  test("an address that the cluster needs is refused although it is public", async () => {
    stage.dns.setRecords(stage.host, "A", ["203.0.115.7"]);
    const access = stage.settings().dns;
    const { routed } = await stage.check({ egress: "Public", dns: { ...access, deniedCIDRs: ["203.0.115.0/24"] } });
    expect(routed.reason).toBe("AddressNotAllowed");
  });

  test("EdgeOnly refuses public addresses that are not the edge's", async () => {
    stage.dns.setRecords(stage.host, "A", ["93.184.216.34"]);
    expect((await stage.check()).routed).toMatchObject({
      reason: "AddressNotAllowed",
      message: expect.stringContaining("not an address of this platform"),
    });
  });

  test.each(["127.0.0.21", "::1", "169.254.169.254"])("an IP literal %s as a name is refused", async (literal) => {
    stage.host = literal;
    const { routed } = await stage.check();
    expect(routed.reason).toBe("AddressNotAllowed");
  });

  test("rebinding: the name is resolved once, a later answer changes nothing", async () => {
    stage.connect();
    // The nonce is drawn between the look-up and the connection.
    const rebind = (size: number): Uint8Array => {
      stage.dns.setRecords(stage.host, "CNAME", []);
      stage.dns.setRecords(stage.host, "A", ["169.254.169.254"]);
      stage.dns.flush();
      return randomBytes(size);
    };
    const { routed } = await stage.check({}, undefined, { randomBytes: rebind });
    expect(routed.reason).toBe("Routed");
    expect(stage.dns.counters.total({ name: stage.host, server: "resolver.dns-sim.dev" })).toBe(2);
    expect((await stage.check()).routed.reason).toBe("AddressNotAllowed");
  });

  test("a redirect to loopback is not followed", async () => {
    let visits = 0;
    const inside = createServer(() => visits++);
    inside.listen(0, "127.0.0.1");
    await once(inside, "listening");
    onTestFinished(() => void inside.close());
    const port = portOf(inside);
    const more = await stage.hostile((socket) =>
      socket.end(`HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:${port}/\r\nContent-Length: 0\r\n\r\n`),
    );
    const { check: result } = await stage.check(more);
    expect(result).toMatchObject({ found: false, httpStatus: 302 });
    expect(visits).toBe(0);
  });

  test("a slow drip ends with the deadline", async () => {
    stage.connect();
    stage.edge.setFault(stage.host, "slow-drip");
    const started = performance.now();
    const { routed } = await stage.check({ timeoutSeconds: 1 });
    expect(routed).toMatchObject({ status: "False", reason: "CheckTimedOut" });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test("a drip of headers ends with the deadline", async () => {
    const more = await stage.hostile((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write("x-a: b\r\n"), 50);
      socket.on("close", () => clearInterval(timer));
    });
    expect((await stage.check({ ...more, timeoutSeconds: 1 })).routed.reason).toMatch(/CheckTimedOut|NotOurs/);
  });

  test("a silent TLS server ends with the deadline of the handshake", async () => {
    const more = await stage.hostile(() => {}, false);
    const { check: result, routed } = await stage.check({ ...more, timeoutSeconds: 1 });
    expect(routed.reason).toBe("CheckTimedOut");
    expect(result).toMatchObject({ found: false, sslValid: false, sslError: expect.stringContaining("in time") });
  });

  test("a header bomb is cut off", async () => {
    const more = await stage.hostile((socket) => socket.write(`HTTP/1.1 200 OK\r\nx-bomb: ${"x".repeat(1_000_000)}\r\n\r\n`));
    expect((await stage.check(more)).routed).toMatchObject({ reason: "NotOurs", message: expect.stringContaining("far more") });
  });

  test("an endless body is cut off", async () => {
    let sent = 0;
    const more = await stage.hostile((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
      const chunk = "x".repeat(65_536);
      const pump = (): void => {
        while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
      };
      socket.on("drain", pump);
      pump();
    });
    expect((await stage.check(more)).routed.reason).toBe("NotOurs");
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test("nothing that the remote side says is repeated", async () => {
    const secret = "INJECTED-BY-REMOTE";
    const more = await stage.hostile((socket) =>
      socket.end(
        `HTTP/1.1 418 ${secret}\r\nserver: ${secret}\r\nlocation: https://${secret}/\r\nContent-Length: ${secret.length}\r\n\r\n${secret}`,
      ),
    );
    expect(JSON.stringify(await stage.check(more))).not.toContain(secret);
  });

  test("an aborted caller gets its own reason back", async () => {
    stage.connect();
    stage.edge.setFault(stage.host, "slow-drip");
    const controller = new AbortController();
    const checking = expect(stage.check({}, controller.signal)).rejects.toThrow("shutting down");
    await vi.waitFor(() => expect(stage.edge.counters().requests[`https ${stage.host}`]).toBe(1));
    controller.abort(new Error("shutting down"));
    await checking;
  });
});
