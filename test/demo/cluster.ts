import type { BillingAccount } from "../../src/api/v1/billing-account.ts";
import type { CustomDomain } from "../../src/api/v1/custom-domain.ts";
import type { CustomDomainClass } from "../../src/api/v1/custom-domain-class.ts";
import type { CustomDomainRoute } from "../../src/api/v1/custom-domain-route.ts";
import type { DomainClaim } from "../../src/api/v1/domain-claim.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import { kubectl } from "../tools/kubectl.ts";
import type { Manifest } from "../tools/manifests.ts";
import type { Narrator } from "./narrator.ts";

interface Kinds {
  readonly customdomains: CustomDomain;
  readonly customdomainclasses: CustomDomainClass;
  readonly billingaccounts: BillingAccount;
  readonly customdomainroutes: CustomDomainRoute;
  readonly domainclaims: DomainClaim;
}

export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
}

export function nameOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

/** The cluster as an administrator sees it: commands that are shown, and what is read back. */
export class Cluster {
  readonly #controlPlane: ControlPlane;
  readonly #narrator: Narrator;
  readonly #signal: AbortSignal | undefined;

  /** `signal` ends the commands that run. */
  constructor(controlPlane: ControlPlane, narrator: Narrator, signal?: AbortSignal) {
    this.#controlPlane = controlPlane;
    this.#narrator = narrator;
    this.#signal = signal;
  }

  /** Runs the real kubectl and shows the command and its answer. @throws Error with kubectl's own words when it refuses. */
  async show(command: string): Promise<void> {
    this.#narrator.command(`kubectl ${command}`);
    this.#narrator.output(await this.#kubectl(command.split(" ")));
  }

  /** `source`: the file that a person would name, and how it was changed. */
  async apply(manifests: readonly Manifest[], source: string): Promise<void> {
    this.#narrator.command(`kubectl apply -f ${source}`);
    const text = manifests.map((manifest) => JSON.stringify(manifest)).join("\n---\n");
    this.#narrator.output(await this.#kubectl(["apply", "-f", "-"], text));
  }

  /** Undefined when there is none. */
  domain(ref: ObjectRef): Promise<CustomDomain | undefined> {
    return this.#get<CustomDomain>(`namespaces/${ref.namespace}/customdomains/${ref.name}`);
  }

  account(ref: ObjectRef): Promise<BillingAccount | undefined> {
    return this.#get<BillingAccount>(`namespaces/${ref.namespace}/billingaccounts/${ref.name}`);
  }

  class(name: string): Promise<CustomDomainClass | undefined> {
    return this.#get<CustomDomainClass>(`customdomainclasses/${name}`);
  }

  /** All objects of a kind, in all namespaces. */
  async list<P extends keyof Kinds>(plural: P): Promise<readonly Kinds[P][]> {
    const list = await this.#get<{ readonly items: readonly Kinds[P][] }>(plural);
    return list?.items ?? [];
  }

  async #get<T>(path: string): Promise<T | undefined> {
    const { status, body } = await this.#controlPlane.request("GET", `/apis/customdomains.dev/v1/${path}`);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`the API server answered ${status} for ${path}`);
    // The API server has checked it against the schema that the type comes from.
    return body as T;
  }

  async #kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { kubectl: binary, kubeconfig } = this.#controlPlane;
    const { code, stdout, stderr } = await kubectl(binary, kubeconfig, args, stdin, this.#signal);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr.trim()}`);
    return `${stdout}${stderr}`;
  }
}
