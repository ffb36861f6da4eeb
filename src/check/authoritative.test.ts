import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type Answer, type DecodedPacket, decode, encode } from "dns-packet";
import { describe, expect, onTestFinished, test } from "vitest";
import { DnsReader } from "./authoritative.ts";
import { QueryBudget } from "./query-budget.ts";

const AA = 1 << 10;

/** One server for everything: resolver and name server, told apart by what `respond` sees in the RD bit. */
async function reader(respond: (query: DecodedPacket, name: string, type: string) => readonly Answer[]) {
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  const asked: { name: string; type: string; rd: boolean }[] = [];
  socket.on("message", (bytes, peer) => {
    const query = decode(bytes);
    const [question] = query.questions ?? [];
    if (question === undefined || query.id === undefined) return;
    asked.push({ name: question.name, type: question.type, rd: query.flag_rd });
    const answers = [...respond(query, question.name, question.type)];
    socket.send(encode({ type: "response", id: query.id, flags: AA, questions: [question], answers }), peer.port, peer.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  const dns = {
    mode: "Authoritative",
    resolvers: [`127.0.0.1:${port}`],
    nameserverPort: port,
    nameserverCIDRs: ["127.0.0.0/8"],
  } as const;
  const access = { dns, deniedCIDRs: [], systemResolvers: () => [], randomBytes };
  return {
    reader: new DnsReader(access, new QueryBudget(100), new AbortController().signal),
    asked,
  };
}

const nameservers = (zone: string, count: number): readonly Answer[] =>
  Array.from({ length: count }, (_, index) => ({ type: "NS", name: zone, ttl: 60, data: `ns${index}.${zone}` }));

describe("DnsReader", () => {
  test("asks name servers without recursion, resolvers with it, and an address of two names once", async () => {
    const { reader: dns, asked } = await reader((_, name, type) => {
      if (type === "NS" && name === "acme.com") return nameservers("acme.com", 2);
      return type === "A" && name.startsWith("ns") ? [{ type: "A", name, ttl: 60, data: "127.0.0.1" }] : [];
    });
    await dns.ask({ name: "shop.acme.com", type: "TXT" });
    expect(asked.filter(({ name }) => name === "shop.acme.com")).toEqual([{ name: "shop.acme.com", type: "TXT", rd: false }]);
    expect(asked.filter(({ name }) => name !== "shop.acme.com").every(({ rd }) => rd)).toBe(true);
  });

  test("asks at most 4 of many name servers", async () => {
    const { reader: dns } = await reader((_, name, type) => {
      if (type === "NS") return nameservers("acme.com", 13);
      return type === "A" ? [{ type: "A", name, ttl: 60, data: "127.0.0.1" }] : [];
    });
    const answer = await dns.ask({ name: "shop.acme.com", type: "TXT" });
    expect(answer.kind === "asked" && answer.servers.length).toBe(4);
  });

  test("asks two addresses of a single name", async () => {
    const { reader: dns } = await reader((_, name, type) => {
      if (type === "NS") return nameservers("acme.com", 1);
      return type === "A" ? ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map((data) => ({ type: "A", name, ttl: 60, data })) : [];
    });
    const answer = await dns.ask({ name: "shop.acme.com", type: "TXT" });
    expect(answer.kind === "asked" && answer.servers.map(({ address }) => address)).toEqual(["127.0.0.1", "127.0.0.2"]);
  });

  test("looks up a zone once for all questions of a pass", async () => {
    const { reader: dns, asked } = await reader((_, name, type) => {
      if (type === "NS") return nameservers("acme.com", 2);
      return type === "A" && name.startsWith("ns") ? [{ type: "A", name, ttl: 60, data: "127.0.0.1" }] : [];
    });
    await Promise.all([dns.ask({ name: "shop.acme.com", type: "TXT" }), dns.ask({ name: "www.acme.com", type: "A" })]);
    expect(asked.filter(({ type }) => type === "NS")).toHaveLength(1);
  });

  test("goes up where the registrable domain is no zone of its own", async () => {
    const { reader: dns } = await reader((_, name, type) => {
      if (type === "NS") return name === "github.io" ? nameservers("github.io", 2) : [];
      return type === "A" ? [{ type: "A", name, ttl: 60, data: "127.0.0.1" }] : [];
    });
    expect(await dns.ask({ name: "acme.github.io", type: "TXT" })).toMatchObject({ kind: "asked", zone: "github.io" });
  });
});
