import { createHash } from "node:crypto";
import { Agent } from "undici";
import { systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";

const CREDENTIAL_AGE_MS = 60_000;
const CONNECTIONS = 64;

interface Pools {
  readonly calls: Agent;
  readonly watches: Agent;
}

export interface Connection {
  readonly credentials: Credentials;
  readonly pools: Pools;
}

/**
 * The connections to the API server and what opens them. Guarantees: one pool for calls and one for watches, shared by all;
 * rotated tokens and certificates are picked up within a minute, without a restart; new TLS material means new pools.
 */
export class Connections {
  readonly #source: CredentialSource;
  readonly #log: Logger;
  #credentials: { readonly value: Credentials; readonly loadedAt: number } | undefined;
  /** What the present pools were made from: looked at anew only when the credentials were loaded anew. */
  #pooled: Credentials | undefined;
  /** One load for all calls that wait for it. */
  #loading: Promise<Credentials> | undefined;
  #pools: (Pools & { readonly fingerprint: string }) | undefined;

  constructor(source: CredentialSource, logger: Logger) {
    this.#source = source;
    this.#log = logger;
  }

  /** @throws whatever the first load of the credentials does. */
  async current(): Promise<Connection> {
    const credentials = await this.#currentCredentials();
    return { credentials, pools: this.#poolsFor(credentials) };
  }

  #poolsFor(credentials: Credentials): Pools {
    if (this.#pools !== undefined && this.#pooled === credentials) return this.#pools;
    this.#pooled = credentials;
    const fingerprint = tlsFingerprint(credentials);
    if (this.#pools?.fingerprint === fingerprint) return this.#pools;
    const old = this.#pools;
    this.#pools = { fingerprint, calls: callPool(credentials), watches: watchPool(credentials) };
    // close() lets running calls end; watches on the old material end by their own timeout.
    if (old !== undefined) void Promise.all([old.calls.close(), old.watches.close()]).catch(() => {});
    return this.#pools;
  }

  /** Rotated files are read again after a minute, or at once after a 401. */
  async #currentCredentials(): Promise<Credentials> {
    const known = this.#credentials;
    if (known !== undefined && systemClock.monotonic() - known.loadedAt <= CREDENTIAL_AGE_MS) return known.value;
    this.#loading ??= this.#load(known?.value).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** What worked a minute ago is used on while it cannot be loaded again: the server says when it is too old. */
  async #load(fallback: Credentials | undefined): Promise<Credentials> {
    let value: Credentials;
    try {
      value = await this.#source.load();
    } catch (error) {
      if (fallback === undefined) throw error;
      this.#log.warn({ err: error }, "the credentials could not be loaded again");
      value = fallback;
    }
    this.#credentials = { value, loadedAt: systemClock.monotonic() };
    return value;
  }

  /** Has them loaded again for the next call, unless another call has done so already. */
  distrust(credentials: Credentials): void {
    if (this.#credentials?.value === credentials) this.#credentials = undefined;
  }

  /** Cuts every call and watch on the present pools. */
  async close(): Promise<void> {
    const pools = this.#pools;
    this.#pools = undefined;
    await Promise.all([pools?.calls.destroy(), pools?.watches.destroy()]);
  }
}

// allowH2 is off: one dead HTTP/2 session would stall every call that shares it, and undici never times out its PING.
function callPool(credentials: Credentials): Agent {
  return new Agent({
    allowH2: false,
    connections: CONNECTIONS,
    pipelining: 1,
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
    keepAliveTimeout: 30_000,
    connect: { ...credentials.tls, timeout: 10_000 },
  });
}

function watchPool(credentials: Credentials): Agent {
  return new Agent({
    allowH2: false,
    pipelining: 1,
    headersTimeout: 30_000,
    bodyTimeout: 0,
    keepAliveTimeout: 1_000,
    connect: { ...credentials.tls, timeout: 10_000 },
  });
}

function tlsFingerprint(credentials: Credentials): string {
  const { ca, cert, key, servername } = credentials.tls;
  const hash = createHash("sha256");
  for (const part of [credentials.server.href, ca, cert, key, servername]) hash.update(part ?? "").update("\u0000");
  return hash.digest("hex");
}
