import { setTimeout as delay } from "node:timers/promises";
import type { CustomDomain } from "../../src/api/v1/custom-domain.ts";
import type { ApiAnswer } from "../control-plane/admin-client.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { CLASS, type Environment, type Manifest } from "../harness/environment.ts";
import { askedFor } from "../harness/journey.ts";
import { pathOf } from "../harness/paths.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { keyOf, otherCase, subscriptionOf, type Wanted } from "./wanted.ts";

export interface UserOptions {
  readonly environment: Environment;
  readonly random: SeededRandom;
  readonly namespaces: readonly string[];
  /** How many domains a namespace has room for. */
  readonly slots: number;
  /** Between two changes, in milliseconds: from, to. */
  readonly pause: readonly [number, number];
}

const AGAIN_MS = 200;
/** An outage of the API server is over by then, or the run is. */
const GIVE_UP_MS = 120_000;
const PUBLISH_EVERY_MS = 1_000;
const API_VERSION = "customdomains.dev/v1";
const RECHECK = "customdomains.dev/recheck";

/**
 * Tenants who create, edit, recheck and delete CustomDomains all the time, straight at the API server, and who remember what
 * they did. A change whose answer was lost is repeated until there is one: only then is it counted as made.
 */
export class User {
  /** By `namespace/name`. */
  readonly live = new Map<string, Wanted>();
  /** Deleted, and not known to be gone. */
  readonly leaving = new Map<string, Wanted>();
  /** How many CustomDomains there have been for a host name. */
  readonly incarnations = new Map<string, number>();
  changes = 0;
  /** Domains that are changed on request only. */
  readonly #reserved = new Set<Wanted>();
  readonly #options: UserOptions;
  readonly #random: SeededRandom;
  /** Slots in which a domain is being made. */
  readonly #taken = new Set<string>();
  #stop: AbortController | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  #tokens = 0;

  constructor(options: UserOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Namespaces with an account and a subscription each. */
  async prepare(): Promise<void> {
    const { environment, namespaces } = this.#options;
    for (const namespace of namespaces) {
      await environment.namespace(namespace);
      environment.world.addSubscription(subscriptionOf(namespace));
      const metadata = { name: CLASS, namespace };
      const spec = { subscriptionID: subscriptionOf(namespace), freeQuantity: 0 };
      await environment.apply({ apiVersion: API_VERSION, kind: "BillingAccount", metadata, spec });
    }
  }

  /** Fills the given share of the room. */
  async populate(share: number): Promise<void> {
    const { namespaces, slots } = this.#options;
    while (this.live.size < namespaces.length * slots * share) await this.create();
  }

  /** Begins to change things. */
  start(): void {
    if (this.#stop !== undefined) return;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#running = Promise.all([this.#changeThings(signal), this.#publishThings(signal)]).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Resolves when the change that was under way is made. @throws Error when the API server refused one for good. */
  async pause(): Promise<void> {
    this.#stop?.abort();
    this.#stop = undefined;
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A domain in a free slot, undefined when there is none. */
  async create(publishes = this.#random.chance(0.7)): Promise<Wanted | undefined> {
    const [slot] = this.#random.shuffled(this.#freeSlots());
    if (slot === undefined) return undefined;
    const [namespace = "", name = ""] = slot.split("/");
    const hostname = `${name}.${namespace}-shops.com`;
    const wanted: Wanted = { namespace, name, hostname, publishes, published: [], spec: { domain: hostname }, token: undefined };
    this.#taken.add(slot);
    const answer = await this.#persist("POST", wanted, object(wanted)).finally(() => this.#taken.delete(slot));
    // A repeated create meets the first one.
    if (answer.status !== 201 && answer.status !== 409) throw refused("create", wanted, answer);
    this.live.set(slot, wanted);
    this.incarnations.set(hostname, (this.incarnations.get(hostname) ?? 0) + 1);
    return wanted;
  }

  /** From now on the user leaves it alone, and the slot too, once it is deleted. */
  reserve(wanted: Wanted): void {
    this.#reserved.add(wanted);
  }

  isReserved(wanted: Wanted): boolean {
    return this.#reserved.has(wanted);
  }

  /** Returns the generation that the edit made. */
  async edit(wanted: Wanted, spec: Readonly<Record<string, unknown>>): Promise<number> {
    wanted.spec = { ...wanted.spec, ...spec };
    return this.#patch(wanted, { spec });
  }

  /** Asks for a check with a token that was never used. */
  async recheck(wanted: Wanted): Promise<void> {
    this.#tokens += 1;
    wanted.token = `token-${this.#tokens}`;
    await this.#patch(wanted, { metadata: { annotations: { [RECHECK]: wanted.token } } });
  }

  async delete(wanted: Wanted): Promise<void> {
    const answer = await this.#persist("DELETE", wanted);
    if (answer.status >= 300 && answer.status !== 404) throw refused("delete", wanted, answer);
    this.live.delete(keyOf(wanted));
    this.leaving.set(keyOf(wanted), wanted);
    if (this.#random.chance(0.5)) this.#options.environment.world.retract(wanted.published);
  }

  async get({ namespace, name }: Wanted): Promise<CustomDomain | undefined> {
    return this.#options.environment.getDomain(namespace, name);
  }

  /** Publishes what status asks for, once it does; true when it is published. */
  async publish(wanted: Wanted): Promise<boolean> {
    if (wanted.published.length > 0) return true;
    const asked = askedFor(await this.get(wanted));
    if (asked.length < 2) return false;
    this.#options.environment.world.publish(asked);
    wanted.published = asked;
    return true;
  }

  async #changeThings(signal: AbortSignal): Promise<void> {
    const [least, most] = this.#options.pause;
    while (!signal.aborted) {
      await this.#change();
      this.changes += 1;
      await delay(this.#random.between(least, most), undefined, { signal }).catch(() => {});
    }
  }

  async #publishThings(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const wanted of [...this.live.values()].filter(({ publishes }) => publishes)) {
        // The API server may be away: there is a next time.
        await this.publish(wanted).catch(() => false);
      }
      await this.#noticeGone().catch(() => {});
      await delay(PUBLISH_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** What is gone makes room. */
  async #noticeGone(): Promise<void> {
    for (const [key, wanted] of this.leaving) if ((await this.get(wanted)) === undefined) this.leaving.delete(key);
  }

  async #change(): Promise<void> {
    const [wanted] = this.#random.shuffled([...this.live.values()].filter((each) => !this.#reserved.has(each)));
    const dice = this.#random.next();
    const free = this.#freeSlots().length / (this.#options.slots * this.#options.namespaces.length);
    if (wanted === undefined || (free > 0.2 && dice < 0.25)) await this.create();
    else if (dice < 0.45) await this.recheck(wanted);
    else if (dice < 0.6) await this.#patch(wanted, { metadata: { labels: { season: `s${this.#random.between(1, 99)}` } } });
    else if (dice < 0.85) await this.edit(wanted, this.#someEdit(wanted));
    else if (free < 0.4) await this.delete(wanted);
  }

  #someEdit({ spec, hostname }: Wanted): Readonly<Record<string, unknown>> {
    return this.#random.pick([
      { domain: otherCase(String(spec.domain), hostname) },
      { suspend: spec.suspend !== true },
      { wwwRedirect: spec.wwwRedirect === "Disabled" ? "Auto" : "Disabled" },
    ]);
  }

  async #patch(wanted: Wanted, patch: unknown): Promise<number> {
    const answer = await this.#persist("PATCH", wanted, patch);
    if (answer.status !== 200) throw refused("patch", wanted, answer);
    return (answer.body as CustomDomain).metadata.generation ?? 0;
  }

  /** Repeats a request until the API server gives a definite answer. */
  #persist(method: "POST" | "PATCH" | "DELETE", { namespace, name }: Wanted, body?: unknown): Promise<ApiAnswer> {
    const path = pathOf({ apiVersion: API_VERSION, kind: "CustomDomain", metadata: { namespace, name } });
    const { controlPlane } = this.#options.environment;
    const attempt = async (): Promise<ApiAnswer | undefined> => {
      const target = method === "POST" ? path.slice(0, path.lastIndexOf("/")) : path;
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const answer = await controlPlane.request(method, target, body, type).catch(() => undefined);
      return answer === undefined || answer.status === 429 || answer.status >= 500 ? undefined : answer;
    };
    return waitUntil(`the API server to ${method} ${namespace}/${name}`, attempt, {
      timeoutMs: GIVE_UP_MS,
      intervalMs: AGAIN_MS,
    });
  }

  #freeSlots(): string[] {
    const { namespaces, slots } = this.#options;
    const all = namespaces.flatMap((namespace) => Array.from({ length: slots }, (_, index) => `${namespace}/shop${index + 1}`));
    const reserved = new Set([...this.#reserved].map(keyOf));
    return all.filter((slot) => ![this.live, this.leaving, this.#taken, reserved].some((used) => used.has(slot)));
  }
}

function object({ namespace, name, spec }: Wanted): Manifest {
  return { apiVersion: API_VERSION, kind: "CustomDomain", metadata: { name, namespace }, spec };
}

function refused(what: string, wanted: Wanted, { status, body }: ApiAnswer): Error {
  return new Error(`the API server refused to ${what} ${keyOf(wanted)}: ${status} ${JSON.stringify(body)}`);
}
