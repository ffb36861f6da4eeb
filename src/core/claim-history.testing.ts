import type { ClaimRow, DomainClaimSpec } from "../api/v1/domain-claim.ts";
import { claimant, DAY, DOMAIN, givenTo, HOUR, ISSUER, NOW, PROVIDER_ONLY, REQUIRED, txtOf } from "./claim.testing.ts";
import { decideClaim, mayProvision } from "./claim.ts";
import { decideProof, type Presence, type ProofFinding } from "./claim-proof.ts";
import { decideEndOfRelease, decideOrphan, decideTombstone, retained } from "./claim-release.ts";
import { type Claimant, isHolder, withRows } from "./claim-spec.ts";

/** Places where CustomDomains for the one name may be created: two of one tenant, one each of two others. */
export const PLACES = [
  { namespace: "alice-1", name: "shop", tenant: "alice" },
  { namespace: "alice-2", name: "shop", tenant: "alice" },
  { namespace: "bob-1", name: "shop", tenant: "bob" },
  { namespace: "carol-1", name: "shop", tenant: "carol" },
] as const;
export const TENANTS = ["alice", "bob", "carol"] as const;

export type Step =
  | { readonly kind: "create" | "delete" | "strip" | "reconcile" | "relabel"; readonly place: number }
  | { readonly kind: "publish"; readonly tenant: number; readonly found: Presence }
  | { readonly kind: "dns"; readonly answers: boolean }
  | { readonly kind: "class"; readonly proof: "Required" | "ProviderOnly" }
  | { readonly kind: "retainOnDelete"; readonly value: boolean }
  | { readonly kind: "claimController" | "lateRow" | "hostnameActive" | "goLive" }
  | { readonly kind: "wait"; readonly ms: number };

/** One write of the claim, with what was true when it was decided. */
export interface Write {
  readonly why: string;
  readonly by: Claimant | undefined;
  readonly before: DomainClaimSpec | undefined;
  readonly after: DomainClaimSpec | undefined;
  readonly found: ProofFinding;
  readonly now: number;
  readonly holderLives: boolean;
}

interface Living extends Claimant {
  readonly bornAt: number;
  readonly deleting: boolean;
}

/**
 * A world in which the protocol is played: CustomDomains come and go, TXT records too, time passes, and each step applies at
 * most the writes that one reconcile would make. Keeps every write for the properties to judge.
 */
export class History {
  readonly writes: Write[] = [];
  /** Names of rows at Cloudflare. */
  readonly rows = new Map<string, { readonly createdAt: number }>();
  claim: DomainClaimSpec | undefined;
  readonly #living = new Map<number, Living>();
  readonly #tenants = PLACES.map(({ tenant }) => tenant as string);
  readonly #published = new Map<string, Presence>();
  #answers = true;
  #policy = REQUIRED;
  #retain = false;
  #active = false;
  #next = 1;
  #now = NOW;

  play(step: Step): void {
    this.#now += 1_000;
    if (step.kind === "wait") this.#now += step.ms;
    else if (step.kind === "publish") this.#published.set(TENANTS[step.tenant] ?? "alice", step.found);
    else if (step.kind === "dns") this.#answers = step.answers;
    else if (step.kind === "class") this.#policy = step.proof === "Required" ? REQUIRED : PROVIDER_ONLY;
    else if (step.kind === "retainOnDelete") this.#retain = step.value;
    else if (step.kind === "claimController") this.#control();
    else if (step.kind === "lateRow") this.#arriveLate();
    else if (step.kind === "hostnameActive") this.#active = this.rows.size > 0;
    else if (step.kind === "goLive") this.#goLive();
    else if ("place" in step) this.#playAt(step.kind, step.place);
  }

  #playAt(kind: "create" | "delete" | "strip" | "reconcile" | "relabel", place: number): void {
    if (kind === "create") this.#create(place);
    else if (kind === "delete") this.#update(place, { deleting: true });
    else if (kind === "strip") this.#living.delete(place);
    else if (kind === "reconcile") this.#reconcile(place);
    else {
      const usual = PLACES[place]?.tenant ?? "alice";
      const tenant = this.#tenants[place] === "carol" ? usual : "carol";
      this.#tenants[place] = tenant;
      this.#update(place, { tenant });
    }
  }

  #arriveLate(): void {
    if (this.claim === undefined || this.rows.size > 0) return;
    this.rows.set(`late-${this.#next++}`, { createdAt: this.#now });
  }

  get now(): number {
    return this.#now;
  }

  alive(claim: DomainClaimSpec | undefined): Living | undefined {
    return claim === undefined ? undefined : [...this.#living.values()].find((each) => isHolder(claim, each));
  }

  everyone(): readonly Claimant[] {
    return [...this.#living.values()];
  }

  #create(place: number): void {
    const site = PLACES[place];
    if (site === undefined || this.#living.has(place)) return;
    const who = claimant(this.#tenants[place] ?? site.tenant, {
      ...site,
      tenant: this.#tenants[place] ?? site.tenant,
      uid: `uid-${this.#next++}`,
    });
    this.#living.set(place, { ...who, bornAt: this.#now, deleting: false });
  }

  #update(place: number, changes: Partial<Living>): void {
    const living = this.#living.get(place);
    if (living !== undefined) this.#living.set(place, { ...living, ...changes });
  }

  #write(why: string, after: DomainClaimSpec | undefined, by?: Claimant, found: ProofFinding = { kind: "unknown" }): void {
    const before = this.claim;
    this.writes.push({ why, by, before, after, found, now: this.#now, holderLives: this.alive(before) !== undefined });
    this.claim = after;
  }

  #reconcile(place: number): void {
    const self = this.#living.get(place);
    if (self === undefined) return;
    if (self.deleting) {
      this.#finalise(place, self);
      return;
    }
    const holderGone = this.alive(this.claim) === undefined;
    const rivals = [...this.#living.values()].filter((each) => !each.deleting && each.tenant === self.tenant);
    const firstInLine = rivals.every((each) => each.bornAt >= self.bornAt);
    const common = { claimant: self, domain: DOMAIN, claim: this.claim, issuer: ISSUER, now: this.#now };
    const holder = this.alive(this.claim);
    const holderTenant = holder === undefined ? undefined : givenTo(holder.tenant);
    const decision = decideClaim({ ...common, holderGone, firstInLine, holderTenant });
    if (decision.kind === "create" || decision.kind === "update")
      this.#write(decision.kind === "create" ? "Created" : decision.why, decision.spec, self);
    this.#prove(self);
    this.#provision(self);
  }

  #prove(self: Claimant): void {
    if (this.claim === undefined) return;
    const presence = (value: string | undefined): Presence =>
      [...this.#published].find(([tenant]) => txtOf(tenant) === value)?.[1] ?? "none";
    const { proofValue } = this.claim;
    const finding: ProofFinding = this.#answers
      ? { kind: "asked", own: presence(txtOf(self.tenant)), holders: proofValue === undefined ? "some" : presence(proofValue) }
      : { kind: "unknown" };
    const decision = decideProof({
      claimant: self,
      claim: this.claim,
      ownValue: txtOf(self.tenant),
      finding,
      policy: this.#policy,
      holderPolicy: this.#policy,
      hostnameActive: this.#active,
      lapseAllowed: true,
      now: this.#now,
    });
    if (decision.kind === "update") this.#write(decision.why, decision.spec, self, finding);
  }

  #provision(self: Claimant): void {
    const { claim } = this;
    if (claim === undefined || claim.rows.length > 0) return;
    const contenders = this.everyone().filter(({ tenant }) => tenant !== self.tenant).length;
    const { proof } = this.#policy;
    if (!mayProvision({ claim, claimant: self, proof, provision: "WhenSafe", pointsAtUs: false, contenders, now: this.#now }))
      return;
    const id = [...this.rows.keys()][0] ?? `row-${this.#next++}`;
    if (!this.rows.has(id)) this.rows.set(id, { createdAt: this.#now });
    const row: ClaimRow = { hostname: DOMAIN, role: "Primary", zoneID: "zone-1", id };
    this.#write("Provisioned", withRows(claim, [row]), self);
  }

  #goLive(): void {
    const { claim } = this;
    if (claim?.state !== "Proven" || claim.verifiedTime !== undefined || this.alive(claim) === undefined) return;
    this.#write("Live", { ...claim, verifiedTime: new Date(this.#now).toISOString() });
  }

  /** Rules 8 (a), 9 and 10 for the object at `place`. */
  #finalise(place: number, self: Living): void {
    const { claim } = this;
    const held = claim !== undefined && isHolder(claim, self);
    if (held && (claim.state === "Pending" || claim.state === "Proven")) {
      const keeps = this.#retain && claim.rows.length > 0;
      this.#write(keeps ? "Retained" : "GivenUp", keeps ? retained(claim) : { ...claim, state: "Releasing" }, self);
      if (!keeps) return;
    } else if (held && claim.state === "Releasing") return;
    this.#living.delete(place);
  }

  #control(): void {
    const { claim } = this;
    if (claim === undefined) return;
    if (claim.state === "Releasing") {
      this.#release(claim);
    } else if (claim.state === "Released") {
      const decision = decideTombstone(claim, { lateRow: this.rows.size > 0, fuseBlown: false, now: this.#now });
      if (decision === "release") this.#write("Reopened", { ...claim, state: "Releasing" });
      if (decision === "delete") this.#write("Ended", undefined);
    } else {
      const holder = this.alive(claim) === undefined ? "gone" : "present";
      const decision = decideOrphan({ claim, holder, fuseBlown: false, now: this.#now });
      if (decision.kind === "update") this.#write(decision.why, decision.spec);
    }
  }

  #release(claim: DomainClaimSpec): void {
    for (const row of claim.rows) this.rows.delete(row.id);
    const late = [...this.rows.keys()].map((id) => ({ hostname: DOMAIN, role: "Primary" as const, zoneID: "zone-1", id }));
    if (late.length > 0) {
      this.#write("Found", withRows(claim, late));
      return;
    }
    const alive = this.alive(claim);
    const holder = alive === undefined ? "gone" : alive.deleting ? "deleting" : "alive";
    const decision = decideEndOfRelease({ claim, holder, issuer: ISSUER, cooldownMs: 7 * DAY, now: this.#now });
    this.#write(decision.kind === "delete" ? "Deleted" : "Finished", decision.kind === "delete" ? undefined : decision.spec);
  }
}

export const SPANS = [10_000, HOUR + 1, 25 * HOUR, 8 * DAY, 31 * DAY] as const;
