import type { CustomDomainClass } from "../api/v1/custom-domain-class.ts";
import type { Reason } from "../api/v1/reasons.ts";
import type { CloudflareSessions, ZoneSession } from "../cloudflare/sessions.ts";
import type { SecretReader } from "../kube/secrets.ts";
import type { Ledger } from "./ledger.ts";

export type SessionResult =
  | { readonly kind: "ready"; readonly session: ZoneSession; readonly class: CustomDomainClass }
  | { readonly kind: "unavailable"; readonly reason: Reason; readonly message: string };

/** Finds the Cloudflare session that a class's Secret opens; never holds a credential itself. */
export class Providers {
  readonly #ledger: Ledger;
  readonly #secrets: SecretReader;
  readonly #sessions: CloudflareSessions;

  constructor(options: { readonly ledger: Ledger; readonly secrets: SecretReader; readonly sessions: CloudflareSessions }) {
    this.#ledger = options.ledger;
    this.#secrets = options.secrets;
    this.#sessions = options.sessions;
  }

  cloudflare(className: string): SessionResult {
    const found = this.#ledger.classes.get(className);
    if (found === undefined) {
      return { kind: "unavailable", reason: "ClassNotFound", message: `CustomDomainClass ${className} does not exist` };
    }
    const { cloudflare } = found.spec;
    const token = this.#secrets.read(cloudflare.apiTokenSecretRef);
    if (token.kind === "unknown") {
      return { kind: "unavailable", reason: "ClassNotReady", message: `the API token of class ${className} is being read` };
    }
    if (token.kind === "missing") return { kind: "unavailable", reason: "SecretNotFound", message: token.message };
    return { kind: "ready", class: found, session: this.#sessions.open(className, cloudflare, token.value.toString("utf8")) };
  }

  /** Any way into a zone: rows outlive a change of holder, and with it of class. Undefined: no class can serve it now. */
  zone(zoneID: string): ZoneSession | undefined {
    for (const { metadata, spec } of this.#ledger.classes.store.list()) {
      if (spec.cloudflare.zoneID !== zoneID) continue;
      const provider = this.cloudflare(metadata.name);
      if (provider.kind === "ready") return provider.session;
    }
    return undefined;
  }

  /** The class is gone: its snapshot ends. */
  forget(className: string): void {
    this.#sessions.close(className);
  }

  /** Nobody is interested in the name any more: a zone that nobody watches is not listed. */
  unwatch(domain: string): void {
    for (const { metadata } of this.#ledger.classes.store.list()) {
      const snapshot = this.#sessions.get(metadata.name)?.snapshot;
      snapshot?.unwatch(domain);
      snapshot?.unwatch(`www.${domain}`);
    }
  }
}
