import type { DecodedPacket, Question } from "dns-packet";
import type { Clock } from "../../../src/runtime/clock.ts";
import { emptyReply, RCODE, type Reply } from "./authoritative.ts";
import type { DnsCounters } from "./counters.ts";
import type { DnsFault, DnsFaults } from "./faults.ts";
import { canonicalName } from "./names.ts";
import { toAnswer, toAnswers } from "./records.ts";
import { encodeReply, formatError, isStandardQuery, parse, type Transport } from "./wire.ts";

export interface DnsServerOptions {
  readonly name: string;
  readonly address: string;
  readonly recursionAvailable: boolean;
  readonly respond: (question: Question, query: DecodedPacket) => Reply | Promise<Reply>;
  readonly clock: Clock;
  readonly faults: DnsFaults;
  readonly counters: DnsCounters;
  /** Ends delays in progress. */
  readonly signal: AbortSignal;
}

/** Seconds. */
const REFERRAL_TTL = 300;

/** What every server does around finding its answer: decoding, counting, faults and encoding. */
export class DnsServer {
  readonly #options: DnsServerOptions;

  constructor(options: DnsServerOptions) {
    this.#options = options;
  }

  async handle(bytes: Buffer, transport: Transport): Promise<Buffer | undefined> {
    const query = parse(bytes);
    if (query === undefined) return formatError(bytes);
    if (query.flag_qr) return undefined;
    const [question, ...more] = query.questions ?? [];
    if (question === undefined || more.length > 0) return formatError(bytes);
    const { name: server, address, faults, counters } = this.#options;
    const name = canonicalName(question.name);
    counters.record({ server, name, type: question.type, transport });
    const fault = faults.take({ name: server, address }, name, question.type);
    if (fault?.kind === "silent") return undefined;
    if (fault?.kind === "delay") await this.#wait(fault.delayMs ?? 0);
    const reply = this.#faulted(fault, query) ?? (await this.#answer(question, query));
    return encodeReply(query, fault?.kind === "lame" ? { ...reply, authoritative: false } : reply, transport, {
      recursionAvailable: this.#options.recursionAvailable,
      truncate: fault?.kind === "truncated",
      wrongID: fault?.kind === "wrong-id",
    });
  }

  async #answer(question: Question, query: DecodedPacket): Promise<Reply> {
    if (!isStandardQuery(query)) return emptyReply(RCODE.NOTIMP);
    if (question.class !== undefined && question.class !== "IN") return emptyReply(RCODE.REFUSED);
    try {
      return await this.#options.respond(question, query);
    } catch {
      // As with a real server, trouble inside shows as SERVFAIL, not as silence.
      return emptyReply(RCODE.SERVFAIL);
    }
  }

  #faulted(fault: DnsFault | undefined, query: DecodedPacket): Reply | undefined {
    if (fault?.kind === "refused") return emptyReply(RCODE.REFUSED);
    if (fault?.kind === "servfail") return emptyReply(RCODE.SERVFAIL);
    if (fault?.kind === "dnssec-bogus" && !query.flag_cd) return emptyReply(RCODE.SERVFAIL);
    if (fault?.kind === "referral" && fault.to !== undefined) return referralTo(fault.to);
    return undefined;
  }

  #wait(ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = () => {
        cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const cancel = clock.setTimer(ms, end);
      signal.addEventListener("abort", end);
    });
  }
}

function referralTo({ zone, nameservers }: NonNullable<DnsFault["to"]>): Reply {
  const hosts = nameservers.map(({ name }) => name);
  const addresses = nameservers.map(({ name, address }) => toAnswer(name, "A", REFERRAL_TTL, address));
  return {
    ...emptyReply(RCODE.NOERROR),
    authorities: toAnswers(zone, "NS", { ttl: REFERRAL_TTL, values: hosts }),
    additionals: addresses,
  };
}
