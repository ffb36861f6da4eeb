import { randomBytes } from "node:crypto";
import type { Clock } from "../../../src/runtime/clock.ts";
import type { EdgeFault } from "./edge-fault.ts";
import { signResponse } from "./signed-response.ts";

export interface OriginOptions {
  readonly clock: Clock;
  readonly signingKey: Buffer;
  /** Path of the check; `/debug/domain-check` unless given. */
  readonly checkPath?: string;
}

/** `kind: "drip"` never ends. */
export type OriginAnswer =
  | { readonly kind: "page"; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  | { readonly kind: "drip" };

const NONCE = /^[0-9a-f]{32}$/;
const HUGE_BYTES = 8 * 1024 * 1024;

/** The platform's own application behind the edge, as far as the domain check sees it. */
export class Origin {
  readonly #clock: Clock;
  readonly #signingKey: Buffer;
  readonly #checkPath: string;
  readonly #domainIDs = new Map<string, string>();

  constructor(options: OriginOptions) {
    this.#clock = options.clock;
    this.#signingKey = options.signingKey;
    this.#checkPath = options.checkPath ?? "/debug/domain-check";
  }

  /** Hostnames without an id answer with an empty one. */
  setDomainID(hostname: string, id: string): void {
    this.#domainIDs.set(hostname, id);
  }

  answer(host: string, url: URL, fault: EdgeFault | undefined): OriginAnswer {
    switch (fault) {
      case "slow-drip":
        return { kind: "drip" };
      case "huge-body":
        return page(200, "application/json", "x".repeat(HUGE_BYTES));
      case "redirect-elsewhere":
        return page(302, "text/plain", "", { location: "https://elsewhere.customer-login.dev/" });
      case "server-error":
        return page(503, "text/html", "<h1>Service unavailable</h1>");
      case "foreign-page":
        return page(200, "text/html", "<h1>Welcome to my parked domain</h1>");
      default:
        return url.pathname === this.#checkPath
          ? this.#check(host, url.searchParams.get("n") ?? "", fault)
          : page(200, "text/plain", `Hello from ${host}\n`);
    }
  }

  #check(host: string, nonce: string, fault: EdgeFault | undefined): OriginAnswer {
    if (!NONCE.test(nonce)) return page(400, "text/plain", "n must be 32 hexadecimal digits\n");
    const now = Math.floor(this.#clock.now() / 1000);
    const signed = signResponse(fault === "wrong-signature" ? randomBytes(32) : this.#signingKey, {
      host,
      domainID: this.#domainIDs.get(host) ?? "",
      nonce: fault === "replayed-nonce" ? randomBytes(16).toString("hex") : nonce,
      issuedAt: fault === "old-issue-time" ? now - 3600 : now,
    });
    return page(200, "application/json", JSON.stringify(signed));
  }
}

export function page(status: number, type: string, body: string, more: Readonly<Record<string, string>> = {}): OriginAnswer {
  return { kind: "page", status, headers: { "content-type": type, ...more }, body };
}
