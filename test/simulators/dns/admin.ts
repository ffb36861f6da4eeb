import { createServer, type IncomingMessage, type Server } from "node:http";
import { z } from "zod";
import type { DnsCounters } from "./counters.ts";
import { type DnsFaults, dnsFaultSchema } from "./faults.ts";
import { RECORD_TYPES } from "./records.ts";
import type { ZoneDirectory } from "./zone-directory.ts";

const recordChange = z.strictObject({
  op: z.enum(["add", "set", "remove"]),
  name: z.string(),
  type: z.enum(RECORD_TYPES),
  /** May be absent for `remove`, which then removes all records of the type. */
  values: z.array(z.union([z.string(), z.array(z.string())])).optional(),
  ttl: z.number().int().nonnegative().optional(),
  server: z.string().optional(),
});

const newZone = z.strictObject({
  apex: z.string(),
  nameservers: z.array(z.strictObject({ name: z.string(), address: z.string().optional() })).optional(),
  servers: z.array(z.string()).optional(),
  negativeTTL: z.number().int().nonnegative().optional(),
  delegated: z.boolean().optional(),
});

export interface DnsAdminOptions {
  readonly directory: ZoneDirectory;
  readonly faults: DnsFaults;
  readonly counters: DnsCounters;
  readonly flush: () => void;
}

type Action = (body: unknown) => unknown;

/** The simulator's methods over loopback HTTP and JSON; 400 with `message` for what the methods refuse. */
export class DnsAdmin {
  readonly #options: DnsAdminOptions;
  readonly #actions: ReadonlyMap<string, Action>;
  readonly #server: Server;

  constructor(options: DnsAdminOptions) {
    this.#options = options;
    const { directory, faults, counters } = options;
    this.#actions = new Map<string, Action>([
      ["GET /admin/records", () => ({ records: directory.records() })],
      ["POST /admin/records", (body) => this.#changeRecords(body)],
      ["POST /admin/zones", (body) => this.#addZone(body)],
      ["GET /admin/counters", () => ({ queries: counters.list() })],
      ["DELETE /admin/counters", () => counters.reset()],
      ["GET /admin/faults", () => ({ faults: faults.list() })],
      ["POST /admin/faults", (body) => faults.add(dnsFaultSchema.parse(body))],
      ["DELETE /admin/faults", () => faults.clear()],
      ["POST /admin/flush", () => options.flush()],
    ]);
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      });
    });
  }

  /** Port 0 takes a free one. */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", () => resolve());
    });
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("the admin server has no TCP address");
    return `http://127.0.0.1:${bound.port}`;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown }> {
    const { pathname } = new URL(request.url ?? "/", "http://simulator");
    const action = this.#actions.get(`${request.method} ${pathname}`);
    if (action === undefined) return { status: 404, body: { message: "not found" } };
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      const text = Buffer.concat(chunks).toString("utf8");
      return { status: 200, body: action(text === "" ? undefined : JSON.parse(text)) ?? {} };
    } catch (error) {
      return { status: 400, body: { message: error instanceof Error ? error.message : String(error) } };
    }
  }

  #changeRecords(body: unknown): void {
    const { op, name, type, values, ttl, server } = recordChange.parse(body);
    const { directory } = this.#options;
    const only = server === undefined ? {} : { server };
    const options = ttl === undefined ? only : { ...only, ttl };
    if (op === "set") directory.setRecords(name, type, values ?? [], options);
    else if (op === "add") for (const value of values ?? []) directory.addRecord(name, type, value, options);
    else if (values === undefined) directory.removeRecord(name, type, undefined, only);
    else for (const value of values) directory.removeRecord(name, type, value, only);
  }

  #addZone(body: unknown): void {
    const { apex, nameservers, servers, negativeTTL, delegated } = newZone.parse(body);
    this.#options.directory.addZone(apex, {
      ...(nameservers === undefined
        ? {}
        : { nameservers: nameservers.map(({ name, address }) => (address === undefined ? { name } : { name, address })) }),
      ...(servers === undefined ? {} : { servers }),
      ...(negativeTTL === undefined ? {} : { negativeTTL }),
      ...(delegated === undefined ? {} : { delegated }),
    });
  }
}
