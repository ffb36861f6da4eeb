/** What one answer told about the credential's rate limit. */
export interface RateLimit {
  /** Requests left until {@link resetMs} has passed, of the tightest policy; undefined when the answer held no `Ratelimit`. */
  readonly remaining: number | undefined;
  readonly resetMs: number | undefined;
  /** Nothing may be sent for this long: a 429, or a 503 with Retry-After. */
  readonly pauseMs: number | undefined;
}

/** Cloudflare blocks a credential for five minutes once it exceeded the global limit. */
const DEFAULT_PAUSE_MS = 300_000;
/** "0" would make every caller ask again at once. */
const MIN_PAUSE_MS = 1_000;
/** A nonsensical Retry-After must not silence a credential for days. */
const MAX_PAUSE_MS = 3_600_000;

interface HeaderReader {
  get(name: string): string | null;
}

/** Reads `Ratelimit: "default";r=50;t=30` (several policies are separated by commas) and `Retry-After` in seconds or as a date. */
export function rateLimitOf(status: number, headers: HeaderReader): RateLimit {
  const tightest = tightestPolicy(headers.get("ratelimit") ?? "");
  return { remaining: tightest?.remaining, resetMs: tightest?.resetMs, pauseMs: pause(status, headers) };
}

/** Milliseconds of Retry-After, capped at one hour; undefined without a readable one. */
export function retryAfterMs(headers: HeaderReader): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  const seconds = Number(value);
  const milliseconds = Number.isNaN(seconds) ? untilDate(value, headers.get("date")) : seconds * 1000;
  if (milliseconds === undefined || Number.isNaN(milliseconds)) return undefined;
  return Math.min(Math.max(0, milliseconds), MAX_PAUSE_MS);
}

function pause(status: number, headers: HeaderReader): number | undefined {
  if (status === 429) return Math.max(MIN_PAUSE_MS, retryAfterMs(headers) ?? DEFAULT_PAUSE_MS);
  return status === 503 ? retryAfterMs(headers) : undefined;
}

/** Measured against the answer's own Date, so that our clock does not matter. */
function untilDate(value: string, date: string | null): number | undefined {
  const until = Date.parse(value) - Date.parse(date ?? "");
  return Number.isNaN(until) ? undefined : until;
}

function tightestPolicy(header: string): { remaining: number; resetMs: number } | undefined {
  let tightest: { remaining: number; resetMs: number } | undefined;
  for (const policy of header.split(",")) {
    const remaining = /;\s*r=(\d+)/i.exec(policy)?.[1];
    const reset = /;\s*t=(\d+)/i.exec(policy)?.[1];
    if (remaining === undefined || reset === undefined) continue;
    const candidate = { remaining: Number(remaining), resetMs: Math.min(Number(reset) * 1000, MAX_PAUSE_MS) };
    if (tightest === undefined || candidate.remaining < tightest.remaining) tightest = candidate;
  }
  return tightest;
}
