import type { Cancel, Clock } from "../../../src/runtime/clock.ts";

export interface WebhookTarget {
  readonly url: string;
  /** Basic authentication, the only kind Chargebee has. */
  readonly user: string;
  readonly password: string;
}

export interface WebhookEvent {
  readonly type: string;
  readonly source: string;
  /** Unix milliseconds. */
  readonly occurredAt: number;
  readonly content: Readonly<Record<string, unknown>>;
}

export interface Delivery {
  readonly eventID: string;
  readonly eventType: string;
  readonly attempts: number;
  readonly status: "scheduled" | "re_scheduled" | "succeeded" | "failed";
}

/** Delays before the attempts after the first: 2 min, 6 min, 30 min, 1 h, 5 h, 1 d, 2 d. */
const RETRY_DELAYS_MS = [2, 6, 30, 60, 300, 1440, 2880].map((minutes) => minutes * 60_000);
const ATTEMPT_TIMEOUT_MS = 20_000;

/** Sends events at least once and in no certain order, as Chargebee does. */
export class WebhookSender {
  readonly #clock: Clock;
  readonly #target: WebhookTarget;
  readonly #closing = new AbortController();
  readonly #timers = new Set<Cancel>();
  readonly #deliveries = new Map<string, Delivery>();

  constructor(clock: Clock, target: WebhookTarget) {
    this.#clock = clock;
    this.#target = target;
  }

  deliveries(): readonly Delivery[] {
    return [...this.#deliveries.values()];
  }

  send(event: WebhookEvent): void {
    const id = `ev_${this.#deliveries.size + 1}_${Math.floor(event.occurredAt)}`;
    const body = JSON.stringify({
      id,
      occurred_at: Math.floor(event.occurredAt / 1000),
      source: event.source,
      user: event.source === "api" ? "full_access_key_v1" : "admin@example.com",
      object: "event",
      api_version: "v2",
      content: event.content,
      event_type: event.type,
      webhook_status: "scheduled",
      webhooks: [{ id: "whv2_1", webhook_status: "scheduled", object: "webhook" }],
    });
    void this.#attempt({ eventID: id, eventType: event.type, attempts: 0, status: "scheduled" }, body);
  }

  close(): void {
    this.#closing.abort();
    for (const cancel of this.#timers) cancel();
  }

  async #attempt(before: Delivery, body: string): Promise<void> {
    this.#deliveries.set(before.eventID, before);
    const succeeded = await this.#post(body);
    const delay = RETRY_DELAYS_MS[before.attempts];
    const status = succeeded ? "succeeded" : delay === undefined ? "failed" : "re_scheduled";
    const delivery: Delivery = { ...before, attempts: before.attempts + 1, status };
    this.#deliveries.set(delivery.eventID, delivery);
    if (status !== "re_scheduled" || delay === undefined || this.#closing.signal.aborted) return;
    const cancel = this.#clock.setTimer(delay, () => {
      this.#timers.delete(cancel);
      void this.#attempt(delivery, body);
    });
    this.#timers.add(cancel);
  }

  async #post(body: string): Promise<boolean> {
    const { url, user, password } = this.#target;
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]);
    try {
      const headers = { authorization, "content-type": "application/json;charset=UTF-8" };
      const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      // Whatever stops a delivery, the answer is the same: try again later.
      return false;
    }
  }
}
