import type { Cancel, Clock } from "../../../src/runtime/clock.ts";
import type { DNSView } from "./dns-view.ts";
import { ownershipTextName, publishesText, type RoutingZone, routesToZone, type Verdict } from "./evidence.ts";
import type { Row } from "./row.ts";
import { CheckCurve, HOSTNAME_ATTEMPTS, type Timings } from "./timings.ts";
import { ValidationLoop } from "./validation-loop.ts";
import type { WorkTracker } from "./work.ts";

/** What lies outside a hostname and decides over it. */
export interface HostnameSurroundings {
  readonly zone: RoutingZone & { readonly apexProxying: boolean; fallbackOriginActive(): boolean };
  /** Why the hostname may not be served whatever its DNS says: a zone hold or an abuse flag. */
  refusal(hostname: string): string | undefined;
  /** The customer's zone is itself proxied there, which makes TXT tokens insufficient. */
  isProxied(hostname: string): boolean;
  activated(row: Row): void;
  /** `moved` for so long that the row is now `deleted`. */
  expired(row: Row): void;
}

export interface LifecycleContext {
  readonly clock: Clock;
  readonly dns: DNSView;
  readonly work: WorkTracker;
  readonly timings: Timings;
}

const NO_FALLBACK = "Zone does not have a fallback origin set.";
const NO_ALIAS = "custom hostname does not CNAME to this zone.";
const NO_ADDRESS =
  "None of the A or AAAA records are owned by this account and the pre-generated ownership verification token was not found.";
const PROXIED =
  "The hostname is using Cloudflare and cannot be activated with an TXT or HTTP validation token. To activate the custom hostname, the DNS target needs to point to the SaaS zone";

/** Moves `row.status`: pending → active ⇄ moved → deleted, and blocked. Every step forward needs its cause in DNS. */
export class HostnameLifecycle {
  readonly #row: Row;
  readonly #context: LifecycleContext;
  readonly #surroundings: HostnameSurroundings;
  readonly #validation: ValidationLoop;
  #timer: Cancel | undefined;
  /** Once traffic came through DNS, its absence means the customer left; a name activated by TXT alone may still be on its way. */
  #hasRouted = false;
  #awaySince: number | undefined;

  constructor(row: Row, context: LifecycleContext, surroundings: HostnameSurroundings) {
    this.#row = row;
    this.#context = context;
    this.#surroundings = surroundings;
    this.#validation = new ValidationLoop({
      clock: context.clock,
      curve: new CheckCurve(HOSTNAME_ATTEMPTS, context.timings.curveScale),
      work: context.work,
      attempt: (isCurrent) => this.#attempt(isCurrent),
      exhausted: () => this.move(),
    });
  }

  /** `visible`: show `pending` now rather than when the first check starts. */
  begin(visible: boolean): void {
    if (visible) this.restart();
    else this.#wait(this.#context.timings.initializingMs, () => this.restart());
  }

  /** What a PATCH does to anything but an active hostname. */
  refresh(): void {
    if (this.#row.status !== "active" && this.#row.status !== undefined) this.restart();
  }

  restart(): void {
    this.stop();
    this.#row.status = "pending";
    this.#row.errors = [];
    this.#validation.start();
  }

  stop(): void {
    this.#validation.stop();
    this.#timer?.();
    this.#timer = undefined;
  }

  block(reason: string): void {
    this.stop();
    this.#row.status = "blocked";
    this.#row.errors = [reason];
  }

  move(): void {
    this.stop();
    this.#row.status = "moved";
    if (this.#row.errors.length === 0) this.#row.errors = [this.#missing()];
    this.#wait(this.#context.timings.movedRetentionMs, () => {
      this.#row.status = "deleted";
      this.#surroundings.expired(this.#row);
    });
  }

  async #attempt(isCurrent: () => boolean): Promise<"settled" | "unsettled"> {
    const { hostname } = this.#row;
    const { zone } = this.#surroundings;
    const refusal = this.#surroundings.refusal(hostname);
    if (refusal !== undefined) {
      this.block(refusal);
      return "settled";
    }
    const routing = await routesToZone(this.#context.dns, hostname, zone);
    const token = await this.#publishesToken();
    if (!isCurrent()) return "settled";
    const refusesToken = token.kind === "yes" && this.#surroundings.isProxied(hostname);
    if (routing.kind === "yes" || (token.kind === "yes" && !refusesToken)) {
      if (zone.fallbackOriginActive()) {
        this.#activate(routing.kind === "yes");
        return "settled";
      }
      this.#row.errors = [NO_FALLBACK];
    } else {
      const unknown = routing.kind === "unknown" ? [routing.message] : [];
      this.#row.errors = [...unknown, this.#missing(), ...(refusesToken ? [PROXIED] : [])];
    }
    return "unsettled";
  }

  #publishesToken(): Promise<Verdict> {
    return publishesText(this.#context.dns, ownershipTextName(this.#row.hostname), [this.#row.ownershipToken]);
  }

  #activate(hasRouted: boolean): void {
    this.#row.status = "active";
    this.#row.errors = [];
    this.#hasRouted = hasRouted;
    this.#awaySince = undefined;
    this.#surroundings.activated(this.#row);
    this.#watchIn(this.#context.timings.activeCheckMs);
  }

  #watchIn(ms: number): void {
    this.#wait(ms, () => void this.#context.work.run(() => this.#watch()));
  }

  /** Looks again at an active hostname's DNS; an unanswered question changes nothing. */
  async #watch(): Promise<void> {
    const { clock, dns, timings } = this.#context;
    const routing = await routesToZone(dns, this.#row.hostname, this.#surroundings.zone);
    const token = this.#hasRouted ? undefined : await this.#publishesToken();
    if (this.#row.status !== "active") return;
    if (routing.kind === "yes") this.#hasRouted = true;
    const isAway = routing.kind === "no" && (token === undefined || token.kind === "no");
    this.#awaySince = isAway ? (this.#awaySince ?? clock.monotonic()) : undefined;
    if (this.#awaySince !== undefined && clock.monotonic() - this.#awaySince >= timings.movedAfterMs) this.move();
    else this.#watchIn(isAway ? timings.movedAfterMs : timings.activeCheckMs);
  }

  #missing(): string {
    return this.#surroundings.zone.apexProxying ? NO_ADDRESS : NO_ALIAS;
  }

  #wait(ms: number, then: () => void): void {
    this.#timer?.();
    this.#timer = this.#context.clock.setTimer(ms, then);
  }
}
