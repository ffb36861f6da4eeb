import { randomBytes, randomUUID } from "node:crypto";
import type { Cancel } from "../../../src/runtime/clock.ts";
import { authorities, refusalByCAA } from "./authority.ts";
import { controlsName, type RoutingZone } from "./evidence.ts";
import type { LifecycleContext } from "./hostname-lifecycle.ts";
import type { CertificateState, Row } from "./row.ts";
import type { SSLRequest } from "./ssl-request.ts";
import { CERTIFICATE_ATTEMPTS, CheckCurve } from "./timings.ts";
import { ValidationLoop } from "./validation-loop.ts";

const DAY_MS = 86_400_000;
const LIFETIME_MS = 90 * DAY_MS;
const RENEWAL_MS = 60 * DAY_MS;

export function newCertificate(ssl: SSLRequest): CertificateState {
  return {
    id: randomUUID(),
    method: ssl.method,
    wildcard: ssl.wildcard ?? false,
    authority: ssl.authority ?? "google",
    bundleMethod: ssl.bundleMethod ?? "ubiquitous",
    settings: ssl.settings ?? {},
    status: "initializing",
    tokens: undefined,
    errors: [],
    issued: undefined,
  };
}

/**
 * Moves `row.certificate.status`: initializing → pending_validation → pending_issuance → pending_deployment → active, with
 * renewal 30 days before the end. Validation needs control of the name and CAA that permits the authority.
 */
export class CertificateLifecycle {
  readonly #row: Row;
  readonly #certificate: CertificateState;
  readonly #context: LifecycleContext;
  readonly #zone: RoutingZone & { fallbackOriginActive(): boolean };
  readonly #validation: ValidationLoop;
  #timer: Cancel | undefined;

  constructor(
    row: Row,
    certificate: CertificateState,
    context: LifecycleContext,
    zone: RoutingZone & { fallbackOriginActive(): boolean },
  ) {
    this.#row = row;
    this.#certificate = certificate;
    this.#context = context;
    this.#zone = zone;
    this.#validation = new ValidationLoop({
      clock: context.clock,
      curve: new CheckCurve(CERTIFICATE_ATTEMPTS, context.timings.curveScale),
      work: context.work,
      attempt: (isCurrent) => this.#attempt(isCurrent),
      exhausted: () => {
        certificate.status = "validation_timed_out";
      },
    });
  }

  /** From the start, with new tokens; what was issued before keeps being served. */
  begin(): void {
    this.stop();
    this.#certificate.status = "initializing";
    this.#certificate.tokens = undefined;
    this.#certificate.errors = [];
    this.#wait(this.#context.timings.initializingMs, () => this.#validate());
  }

  /** Another method, authority or wildcard issues anew; other TLS settings of a live certificate are only rolled out. */
  change(ssl: SSLRequest): void {
    const certificate = this.#certificate;
    const authority = ssl.authority ?? certificate.authority;
    const wildcard = ssl.wildcard ?? certificate.wildcard;
    const settings = ssl.settings ?? certificate.settings;
    const isOther = ssl.method !== certificate.method || authority !== certificate.authority || wildcard !== certificate.wildcard;
    const isRetuned = JSON.stringify(settings) !== JSON.stringify(certificate.settings);
    const bundleMethod = ssl.bundleMethod ?? certificate.bundleMethod;
    Object.assign(certificate, { method: ssl.method, authority, wildcard, settings, bundleMethod });
    if (isOther) this.begin();
    else if (isRetuned && certificate.status === "active") this.#deploy(() => this.#rest());
    else this.refresh();
  }

  refresh(): void {
    const { status } = this.#certificate;
    if (status === "pending_validation" || status === "validation_timed_out" || status === "expired") this.#validate();
    else if (status === "pending_issuance" && this.#certificate.tokens !== undefined)
      void this.#context.work.run(() => this.#renew());
  }

  stop(): void {
    this.#validation.stop();
    this.#timer?.();
    this.#timer = undefined;
  }

  #validate(): void {
    this.stop();
    this.#certificate.status = "pending_validation";
    this.#certificate.errors = [];
    this.#renewTokens();
    this.#validation.start();
  }

  #renewTokens(): void {
    const { tokens, authority, wildcard, method } = this.#certificate;
    const now = this.#context.clock.now();
    if (tokens !== undefined && now - tokens.issuedAt < authorities[authority].tokenLifetimeMs) return;
    // A wildcard proves the base name and the wildcard; SSL.com wants one token per key type.
    const count = method === "txt" && (wildcard || authority === "ssl_com") ? 2 : 1;
    this.#certificate.tokens = {
      issuedAt: now,
      values: Array.from({ length: count }, () => randomBytes(32).toString("base64url")),
    };
  }

  async #attempt(isCurrent: () => boolean): Promise<"settled" | "unsettled"> {
    if (this.#row.status === "blocked") return "unsettled";
    this.#renewTokens();
    const errors = await this.#obstacles();
    if (!isCurrent()) return "settled";
    if (errors === undefined) {
      this.#issue();
      return "settled";
    }
    this.#certificate.errors = errors;
    return "unsettled";
  }

  /** Undefined when the authority would issue now, else the messages to show; a customer who only has not acted yet is none. */
  async #obstacles(): Promise<readonly string[] | undefined> {
    const { dns } = this.#context;
    const control = await controlsName(dns, this.#row, this.#zone, this.#zone.fallbackOriginActive());
    if (control.kind === "unknown") return [control.message];
    const { authority, wildcard } = this.#certificate;
    const refusal = await refusalByCAA(dns, this.#row.hostname, authority, wildcard);
    if (refusal !== undefined) return [refusal];
    return control.kind === "yes" ? undefined : [];
  }

  #issue(): void {
    const { issuanceMs } = this.#context.timings;
    this.#certificate.status = "pending_issuance";
    this.#certificate.tokens = undefined;
    this.#certificate.errors = [];
    this.#wait(issuanceMs, () => {
      this.#deploy(() => this.#install());
    });
  }

  #deploy(then: () => void): void {
    this.#certificate.status = "pending_deployment";
    this.#wait(this.#context.timings.deploymentMs, then);
  }

  #install(): void {
    const issuedAt = this.#context.clock.now();
    this.#certificate.issued = { issuedAt, expiresAt: issuedAt + LIFETIME_MS, ids: [randomUUID(), randomUUID()] };
    this.#rest();
  }

  #rest(): void {
    const { issued } = this.#certificate;
    if (issued === undefined) return;
    this.#certificate.status = "active";
    const untilRenewal = Math.max(0, issued.issuedAt + RENEWAL_MS - this.#context.clock.now());
    this.#wait(untilRenewal, () => void this.#context.work.run(() => this.#renew()));
  }

  /** The old certificate serves on while this fails, until it ends. */
  async #renew(): Promise<void> {
    this.#renewTokens();
    const errors = await this.#obstacles();
    const { issued, status } = this.#certificate;
    if (issued === undefined || (status !== "active" && status !== "pending_issuance")) return;
    if (errors === undefined) {
      this.#certificate.tokens = undefined;
      this.#certificate.errors = [];
      this.#deploy(() => this.#install());
    } else if (this.#context.clock.now() >= issued.expiresAt) {
      this.#certificate.status = "expired";
      this.#certificate.errors = errors;
    } else {
      this.#certificate.status = "pending_issuance";
      this.#certificate.errors = errors;
      this.#wait(DAY_MS, () => void this.#context.work.run(() => this.#renew()));
    }
  }

  #wait(ms: number, then: () => void): void {
    this.#timer?.();
    this.#timer = this.#context.clock.setTimer(ms, then);
  }
}
