import { randomBytes } from "node:crypto";
import { createSocket, type Socket as UDPSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { type DecodedPacket, decode, encode, type Packet } from "dns-packet";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { type DnsServer, query } from "./dns.ts";
import { decodeReply } from "./dns-message.ts";
import { QueryBudget } from "./query-budget.ts";
import { parseServer, Resolvers } from "./resolver.ts";

const QUESTION = { name: "shop.acme.com", type: "TXT" } as const;
const OPTIONS = { recursionDesired: false, timeoutMs: 150, attempts: 2, randomBytes };
const AA = 1 << 10;
const TC = 1 << 9;
const never = new AbortController().signal;

type Answerer = (query: DecodedPacket, send: (packet: Packet, from?: UDPSocket) => void) => void;

function answerTo(asked: DecodedPacket, more: Partial<Packet> = {}): Packet {
  return {
    type: "response",
    ...(asked.id === undefined ? {} : { id: asked.id }),
    flags: AA,
    questions: asked.questions,
    answers: [{ type: "TXT", name: "shop.acme.com", ttl: 60, data: "right" }],
    ...more,
  };
}

async function udpServer(answer: Answerer, port = 0): Promise<DnsServer> {
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  socket.on("message", (bytes, { port, address }) =>
    answer(decode(bytes), (packet, from = socket) => from.send(encode(packet), port, address)),
  );
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");
  return { address: "127.0.0.1", port: socket.address().port };
}

/** Truncates over UDP and answers over TCP on the same port, in two pieces, since TCP keeps no boundaries. */
async function truncatingServer(reply: (asked: DecodedPacket) => Buffer): Promise<DnsServer> {
  for (;;) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        const out = reply(decode(bytes.subarray(2)));
        socket.write(out.subarray(0, 5));
        setImmediate(() => socket.write(out.subarray(5)));
      });
    });
    onTestFinished(() => void server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    if (bound === null || typeof bound === "string") throw new Error("the server does not listen");
    try {
      return await udpServer((asked, send) => send(answerTo(asked, { flags: AA | TC, answers: [] })), bound.port);
    } catch (error) {
      // Somebody has this port for UDP: another one, then.
      if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    }
  }
}

function framed(packet: Packet): Buffer {
  const bytes = encode(packet);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const texts = (reply: Awaited<ReturnType<typeof query>>) =>
  reply.kind === "reply"
    ? reply.answers.flatMap((record) => (record.type === "TXT" ? [Buffer.from(record.data).toString()] : []))
    : reply.reason;

describe("query", () => {
  test("asks without recursion, with EDNS, under a fresh id from a fresh port", async () => {
    const seen: { id: number | undefined; rd: boolean; edns: boolean }[] = [];
    const server = await udpServer((asked, send) => {
      seen.push({ id: asked.id, rd: asked.flag_rd, edns: asked.additionals?.some(({ type }) => type === "OPT") ?? false });
      send(answerTo(asked));
    });
    expect(texts(await query(server, QUESTION, OPTIONS, never))).toEqual(["right"]);
    await query(server, QUESTION, { ...OPTIONS, recursionDesired: true }, never);
    expect(seen).toMatchObject([
      { rd: false, edns: true },
      { rd: true, edns: true },
    ]);
    expect(seen[0]?.id).not.toBe(seen[1]?.id);
  });

  test.each<[string, (asked: DecodedPacket) => Packet]>([
    ["another id", (asked) => ({ ...answerTo(asked), id: ((asked.id ?? 0) + 1) & 0xffff })],
    ["another name", (asked) => answerTo(asked, { questions: [{ type: "TXT", name: "shop.evil.com" }] })],
    ["another type", (asked) => answerTo(asked, { questions: [{ type: "A", name: "shop.acme.com" }] })],
    ["another class", (asked) => answerTo(asked, { questions: [{ type: "TXT", name: "shop.acme.com", class: "CH" }] })],
    ["no question", (asked) => answerTo(asked, { questions: [] })],
    ["two questions", (asked) => answerTo(asked, { questions: [...(asked.questions ?? []), ...(asked.questions ?? [])] })],
    ["the query bit", (asked) => ({ ...answerTo(asked), type: "query" })],
  ])("a packet with %s is passed over, the true answer counts", async (_, forge) => {
    const server = await udpServer((asked, send) => {
      send({ ...forge(asked), answers: [{ type: "TXT", name: "shop.acme.com", ttl: 60, data: "forged" }] });
      send(answerTo(asked));
    });
    expect(texts(await query(server, QUESTION, OPTIONS, never))).toEqual(["right"]);
  });

  test("a packet from another port is passed over", async () => {
    const stranger = createSocket("udp4");
    onTestFinished(() => void stranger.close());
    stranger.bind(0, "127.0.0.1");
    await once(stranger, "listening");
    const server = await udpServer((asked, send) => send(answerTo(asked), stranger));
    expect(texts(await query(server, QUESTION, OPTIONS, never))).toBe("Timeout");
  });

  test("a lost packet is sent again", async () => {
    let received = 0;
    const server = await udpServer((asked, send) => {
      received += 1;
      if (received === 2) send(answerTo(asked));
    });
    expect(texts(await query(server, QUESTION, OPTIONS, never))).toEqual(["right"]);
  });

  test("a closed port is unreachable, not slow", async () => {
    expect(texts(await query({ address: "127.0.0.1", port: 1 }, QUESTION, { ...OPTIONS, timeoutMs: 5_000 }, never))).toBe(
      "Unreachable",
    );
  });

  test("a truncated answer is fetched over TCP", async () => {
    const server = await truncatingServer((asked) => framed(answerTo(asked)));
    expect(texts(await query(server, QUESTION, OPTIONS, never))).toEqual(["right"]);
  });

  test.each<[string, (asked: DecodedPacket) => Buffer]>([
    ["answers another question", (asked) => framed(answerTo(asked, { questions: [{ type: "TXT", name: "shop.evil.com" }] }))],
    ["announces 64 kB", () => Buffer.from([0xff, 0xff, 0, 0, 0, 0, 0])],
  ])("where TCP %s, the answer stays truncated and empty", async (_, reply) => {
    // Long: the verdict must not wait for the rest.
    const patient = { ...OPTIONS, timeoutMs: 60_000 };
    expect(await query(await truncatingServer(reply), QUESTION, patient, never)).toMatchObject({ truncated: true, answers: [] });
  });

  test("where TCP is not there, the answer stays truncated and empty", async () => {
    const server = await udpServer((asked, send) => send(answerTo(asked, { flags: AA | TC })));
    expect(await query(server, QUESTION, OPTIONS, never)).toMatchObject({ truncated: true, answers: [] });
  });

  test("a server without EDNS is asked again without it", async () => {
    const server = await udpServer((asked, send) => {
      const edns = (asked.additionals?.length ?? 0) > 0;
      send(edns ? { ...answerTo(asked, { questions: [], answers: [] }), flags: 1 } : answerTo(asked));
    });
    expect(texts(await query(server, QUESTION, OPTIONS, never))).toEqual(["right"]);
  });

  test("an aborted query ends at once", async () => {
    const controller = new AbortController();
    const server = await udpServer(() => controller.abort());
    expect(texts(await query(server, QUESTION, { ...OPTIONS, timeoutMs: 60_000 }, controller.signal))).toBe("Timeout");
  });
});

describe("decodeReply", () => {
  test("takes any bytes without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeReply(Buffer.from(bytes), 1, QUESTION)).toBeUndefined();
      }),
    );
  });

  test("takes any damage to a true answer without throwing", () => {
    const whole = encode({
      type: "response",
      id: 7,
      flags: AA,
      questions: [QUESTION],
      answers: [{ type: "TXT", name: QUESTION.name, ttl: 60, data: ["a", "b"] }],
    });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const damaged = Buffer.from(whole);
        damaged[at] = value;
        const reply = decodeReply(damaged, 7, QUESTION);
        expect([undefined, "reply"]).toContain(reply?.kind);
      }),
      { numRuns: 1_000 },
    );
  });

  test("names in any case are the same name", () => {
    const bytes = encode({
      type: "response",
      id: 7,
      questions: [{ type: "TXT", name: "Shop.ACME.com" }],
      answers: [{ type: "CNAME", name: "SHOP.acme.com", ttl: 60, data: "Edge.SaaS.net" }],
    });
    expect(decodeReply(bytes, 7, QUESTION)?.answers).toEqual([
      { name: "shop.acme.com", ttl: 60, type: "CNAME", data: "edge.saas.net" },
    ]);
  });
});

describe("resolvers", () => {
  test.each([
    ["10.96.0.10:53", { address: "10.96.0.10", port: 53 }],
    ["10.96.0.10", { address: "10.96.0.10", port: 53 }],
    ["127.0.0.10:5353", { address: "127.0.0.10", port: 5353 }],
    ["[2001:db8::53]:5353", { address: "2001:db8::53", port: 5353 }],
    ["2001:DB8::53", { address: "2001:db8::53", port: 53 }],
    ["kube-dns.kube-system.svc:53", undefined],
    ["127.1:53", undefined],
    ["", undefined],
  ])("%j", (text, expected) => {
    expect(parseServer(text)).toEqual(expected);
  });

  test("those of the system stand in when the class names none", () => {
    const access = {
      dns: { mode: "Recursive", resolvers: [], nameserverPort: 53, nameserverCIDRs: [] },
      deniedCIDRs: [],
      systemResolvers: () => ["192.0.2.53"],
      randomBytes,
    } as const;
    expect(new Resolvers(access, new QueryBudget(1)).servers).toEqual([{ address: "192.0.2.53", port: 53 }]);
    const named = { ...access, dns: { ...access.dns, resolvers: ["192.0.2.1:54"] } };
    expect(new Resolvers(named, new QueryBudget(1)).servers).toEqual([{ address: "192.0.2.1", port: 54 }]);
  });
});
