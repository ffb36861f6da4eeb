import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { CustomDomain } from "../../src/api/v1/custom-domain.ts";
import type { DomainClaim } from "../../src/api/v1/domain-claim.ts";
import { conditionOf, hostnamesAt } from "../harness/journey.ts";
import type { ChaosCluster } from "./chaos-cluster.ts";
import type { User } from "./user.ts";
import { keyOf, subscriptionOf, type Wanted } from "./wanted.ts";

const API = "/apis/customdomains.dev/v1";
const LOOK_EVERY_MS = 250;
const ASK_EVERY_MS = 10_000;

const listSchema = z.object({ items: z.array(z.unknown()) });

/** Everything as the API server has it. */
interface Present {
  readonly domains: ReadonlyMap<string, CustomDomain>;
  readonly claims: readonly DomainClaim[];
}

/**
 * Whether nothing was lost: once faults have stopped, everything must come to what its owner last asked for, at Kubernetes, at
 * Cloudflare and at Chargebee, within a deadline.
 */
export class Settlement {
  readonly #cluster: ChaosCluster;
  readonly #user: User;
  readonly #namespaces: readonly string[];

  constructor(cluster: ChaosCluster, user: User, namespaces: readonly string[]) {
    this.#cluster = cluster;
    this.#user = user;
    this.#namespaces = namespaces;
  }

  /**
   * Asks for a check of every domain, so that each has a change to be answered, and waits. Returns what is still missing at the
   * deadline: changes that were lost.
   */
  async settle(timeoutMs: number): Promise<string[]> {
    const deadline = performance.now() + timeoutMs;
    for (const wanted of this.#user.live.values())
      if (wanted.spec.suspend === true) await this.#user.edit(wanted, { suspend: false });
    await Promise.all([...this.#user.live.values()].map((wanted) => this.#user.recheck(wanted)));
    let askedAt = performance.now();
    for (;;) {
      await this.#publishMissing();
      const missing = await this.#missing();
      if (missing.length === 0 || performance.now() > deadline) return missing;
      if (performance.now() - askedAt > ASK_EVERY_MS) {
        askedAt = performance.now();
        await this.#askAgain();
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  /** An owner who has just published asks again until the domain is live. */
  async #askAgain(): Promise<void> {
    const { domains } = await this.#present();
    for (const wanted of this.#user.live.values()) {
      const domain = domains.get(keyOf(wanted));
      const handled = domain?.status?.lastHandledRecheck === wanted.token;
      if (handled && wanted.publishes && conditionOf(domain, "Ready") !== "True") await this.#user.recheck(wanted);
    }
  }

  async #publishMissing(): Promise<void> {
    for (const wanted of this.#user.live.values()) if (wanted.publishes) await this.#user.publish(wanted);
  }

  async #missing(): Promise<string[]> {
    const present = await this.#present();
    return [...this.#domainProblems(present), ...this.#rowProblems(present), ...this.#billingProblems(present)];
  }

  #domainProblems({ domains }: Present): string[] {
    const live = [...this.#user.live.values()].flatMap((wanted) => liveProblems(wanted, domains.get(keyOf(wanted))));
    const gone = [...domains.keys()]
      .filter((key) => !this.#user.live.has(key))
      .map((key) => `${key} was deleted and is still there`);
    return [...live, ...gone];
  }

  #rowProblems({ claims }: Present): string[] {
    const rows = hostnamesAt(this.#cluster.environment);
    const live = new Map([...this.#user.live.values()].map((wanted) => [wanted.hostname, wanted]));
    const left = rows
      .filter((hostname) => !live.has(hostname))
      .map((hostname) => `Cloudflare still has ${hostname}, which was deleted`);
    const missing = [...live.values()]
      .filter(({ hostname, publishes }) => publishes && !rows.includes(hostname))
      .map(({ hostname }) => `Cloudflare has no ${hostname}`);
    const claimed = claims.flatMap(({ spec }) => spec.rows.map(({ hostname }) => hostname)).sort();
    const differ = JSON.stringify(claimed) !== JSON.stringify(rows);
    return [...left, ...missing, ...(differ ? [`the claims name ${claimed.length} rows, Cloudflare has ${rows.length}`] : [])];
  }

  /** Billing rule 1: what counts are claims with a primary row. */
  #billingProblems({ claims }: Present): string[] {
    const { chargebee, connection } = this.#cluster.world;
    return this.#namespaces.flatMap((namespace) => {
      const counted = claims.filter(
        ({ spec }) =>
          spec.holder?.namespace === namespace &&
          (spec.state === "Pending" || spec.state === "Proven") &&
          spec.rows.some(({ role }) => role === "Primary"),
      ).length;
      const billed = chargebee.quantity(subscriptionOf(namespace), connection.itemPriceID) ?? 0;
      return billed === counted ? [] : [`${namespace} is billed for ${billed} domains and has ${counted}`];
    });
  }

  async #present(): Promise<Present> {
    const [domains, claims] = await Promise.all([
      this.#list<CustomDomain>("customdomains"),
      this.#list<DomainClaim>("domainclaims"),
    ]);
    return {
      claims,
      domains: new Map(domains.map((domain) => [`${domain.metadata.namespace}/${domain.metadata.name}`, domain])),
    };
  }

  async #list<T>(plural: string): Promise<readonly T[]> {
    const { status, body } = await this.#cluster.controlPlane.request("GET", `${API}/${plural}`);
    if (status !== 200) throw new Error(`GET ${plural}: ${status}`);
    return listSchema.parse(body).items as readonly T[];
  }
}

function liveProblems(wanted: Wanted, domain: CustomDomain | undefined): string[] {
  const key = keyOf(wanted);
  if (domain === undefined) return [`${key} is gone, and nobody deleted it`];
  const { generation = 0 } = domain.metadata;
  const { observedGeneration = 0, lastHandledRecheck } = domain.status ?? {};
  const problems: string[] = [];
  if (observedGeneration !== generation)
    problems.push(`${key}: generation ${generation} is not handled (${observedGeneration} is)`);
  if (lastHandledRecheck !== wanted.token) problems.push(`${key}: ${wanted.token} is not handled (${lastHandledRecheck} is)`);
  if (wanted.publishes && conditionOf(domain, "Ready") !== "True") {
    const reason = domain.status?.conditions?.find(({ type }) => type === "Ready")?.reason;
    problems.push(`${key} is published and not Ready (${reason})`);
  }
  return problems;
}
