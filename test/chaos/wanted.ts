import type { PublishedRecord } from "../simulators/world.ts";

/** A CustomDomain as its owner left it. */
export interface Wanted {
  readonly namespace: string;
  readonly name: string;
  readonly hostname: string;
  /** Whether the owner does what status asks for. */
  readonly publishes: boolean;
  published: readonly PublishedRecord[];
  spec: Readonly<Record<string, unknown>>;
  /** Of the last recheck that was asked for. */
  token: string | undefined;
}

export function keyOf({ namespace, name }: Pick<Wanted, "namespace" | "name">): string {
  return `${namespace}/${name}`;
}

export function subscriptionOf(namespace: string): string {
  return `sub_${namespace}`;
}

/** The same name in other letters: a new generation that changes nothing outside. */
export function otherCase(domain: string, hostname: string): string {
  return domain === hostname ? `${hostname.charAt(0).toUpperCase()}${hostname.slice(1)}` : hostname;
}
