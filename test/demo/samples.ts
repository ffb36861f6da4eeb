import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { type Connection, platform } from "../simulators/platform.ts";
import { type Manifest, parseManifests } from "../tools/manifests.ts";

const DIRECTORY = "config/samples";
const ROOT = join(import.meta.dirname, "../..");
const kustomizationSchema = z.looseObject({ resources: z.array(z.string()) });

/** The objects of config/samples/, by file. What names the outside world is replaced in memory by the simulated one. */
export class Samples {
  readonly #files: ReadonlyMap<string, readonly Manifest[]>;

  static async load(connection: Connection): Promise<Samples> {
    const listed = await readFile(join(ROOT, DIRECTORY, "kustomization.yaml"), "utf8");
    const { resources } = kustomizationSchema.parse(parse(listed));
    const files = resources.map(async (name) => {
      const manifests = parseManifests(await readFile(join(ROOT, DIRECTORY, name), "utf8"));
      return [`${DIRECTORY}/${name}`, manifests.map((manifest) => adapted(manifest, connection))] as const;
    });
    return new Samples(new Map(await Promise.all(files)));
  }

  private constructor(files: ReadonlyMap<string, readonly Manifest[]>) {
    this.#files = files;
  }

  /** `name` as in the directory. @throws Error when the kustomization does not list it. */
  file(name: string): { readonly path: string; readonly manifests: readonly Manifest[] } {
    const path = `${DIRECTORY}/${name}`;
    const manifests = this.#files.get(path);
    if (manifests === undefined) throw new Error(`${DIRECTORY}/kustomization.yaml does not list ${name}`);
    return { path, manifests };
  }

  /** Every object of a kind, with its spec. */
  specs<T>(kind: string, spec: z.ZodType<T>): readonly T[] {
    return [...this.#files.values()].flat().flatMap((manifest) => (manifest.kind === kind ? [spec.parse(manifest.spec)] : []));
  }
}

/** Seconds that are a minute in production are too long to watch. */
const WAITS = { snapshotSeconds: 2, debounceSeconds: 1, holdDownSeconds: 3 } as const;

function adapted(manifest: Manifest, connection: Connection): Manifest {
  if (manifest.kind === "CustomDomainClass") return { ...manifest, spec: merged(manifest.spec, classChanges(connection)) };
  if (manifest.kind !== "Secret") return manifest;
  const values: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    cloudflare: { token: connection.cloudflareToken },
    chargebee: { apiKey: connection.chargebeeKey },
    "domain-check": { signingKey: connection.signingKey },
  };
  return { ...manifest, stringData: merged(manifest.stringData, values[manifest.metadata.name]) };
}

function classChanges(connection: Connection) {
  const { snapshotSeconds, debounceSeconds, holdDownSeconds } = WAITS;
  const { zoneID, cloudflareURL, target, resolvers, nameserverPort, nameserverCIDRs } = connection;
  const { edgeCIDRs, httpPort, httpsPort, caBundle, chargebeeSite, chargebeeURL, itemPriceID } = connection;
  return {
    cloudflare: { zoneID, apiURL: cloudflareURL, fallbackOrigin: platform.fallbackOrigin, snapshotSeconds },
    dns: { target, resolvers, nameserverPort, nameserverCIDRs },
    check: { edgeCIDRs, httpPort, httpsPort, caBundle },
    billing: { chargebee: { site: chargebeeSite, apiURL: chargebeeURL, itemPriceID, debounceSeconds, holdDownSeconds } },
  };
}

/** `changes` over `base`, objects member by member, everything else as a whole. */
function merged(base: unknown, changes: unknown): unknown {
  if (changes === undefined) return base;
  if (!isRecord(base) || !isRecord(changes)) return changes;
  const names = new Set([...Object.keys(base), ...Object.keys(changes)]);
  return Object.fromEntries([...names].map((name) => [name, merged(base[name], changes[name])]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
