import type { Answer } from "dns-packet";
import type { Clock } from "../../../src/runtime/clock.ts";

/** What is known of one name and type. `nxdomain` holds for every type of the name. */
export type Known =
  | { readonly kind: "rrset"; readonly answers: readonly Answer[] }
  | { readonly kind: "alias"; readonly answers: readonly Answer[]; readonly target: string }
  | { readonly kind: "nodata"; readonly soa: Answer | undefined }
  | { readonly kind: "nxdomain"; readonly soa: Answer | undefined };

interface Stored {
  readonly known: Known;
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** Positive answers live for their TTL, negative ones for the TTL of the SOA that came with them (RFC 2308). Names are canonical. */
export class AnswerCache {
  readonly #clock: Clock;
  readonly #stored = new Map<string, Stored>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer with its TTLs counted down to now. */
  find(name: string, type: string): Known | undefined {
    for (const key of [cacheKey(name, ""), cacheKey(name, type), cacheKey(name, "CNAME")]) {
      const stored = this.#stored.get(key);
      if (stored === undefined) continue;
      const now = this.#clock.monotonic();
      if (stored.expiresAt <= now) this.#stored.delete(key);
      else if (isAnswerFor(stored.known, key === cacheKey(name, type))) {
        const known = aged(stored.known, now - stored.storedAt);
        // Asked for itself, a CNAME is data and not followed.
        return known.kind === "alias" && type === "CNAME" ? { kind: "rrset", answers: known.answers } : known;
      }
    }
    return undefined;
  }

  store(name: string, type: string, known: Known): void {
    const ttl = lifetime(known);
    if (ttl <= 0) return;
    const now = this.#clock.monotonic();
    const type_ = known.kind === "nxdomain" ? "" : known.kind === "alias" ? "CNAME" : type;
    this.#stored.set(cacheKey(name, type_), { known, storedAt: now, expiresAt: now + ttl * 1000 });
  }

  flush(): void {
    this.#stored.clear();
  }
}

function cacheKey(name: string, type: string): string {
  return `${type} ${name}`;
}

/** An absent or fetched CNAME record says nothing about other types; an alias does. */
function isAnswerFor(known: Known, sameType: boolean): boolean {
  return sameType || known.kind === "alias" || known.kind === "nxdomain";
}

function lifetime(known: Known): number {
  const records = known.kind === "rrset" || known.kind === "alias" ? known.answers : known.soa === undefined ? [] : [known.soa];
  return records.length === 0 ? 0 : Math.min(...records.map(ttlOf));
}

function aged(known: Known, ageMs: number): Known {
  if (known.kind === "rrset" || known.kind === "alias") {
    return { ...known, answers: known.answers.map((record) => withAge(record, ageMs)) };
  }
  return { ...known, soa: known.soa === undefined ? undefined : withAge(known.soa, ageMs) };
}

function withAge(record: Answer, ageMs: number): Answer {
  if (record.type === "OPT") return record;
  return { ...record, ttl: Math.max(0, Math.ceil(ttlOf(record) - ageMs / 1000)) };
}

function ttlOf(record: Answer): number {
  return record.type === "OPT" ? 0 : (record.ttl ?? 0);
}
