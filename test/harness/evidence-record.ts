import { appendFile, copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import type { World } from "../simulators/world.ts";
import { type Declared, EVIDENCE, evidenceDirectory } from "./evidence.ts";

/** What one control plane, its simulators and its operators did, kept for the checks over the whole suite. */
export class EvidenceRecord {
  readonly directory: string;
  readonly #secrets = new Map<string, string>();

  static async open(declared: Declared): Promise<EvidenceRecord> {
    const record = new EvidenceRecord(await evidenceDirectory(declared.name));
    await record.#keep(EVIDENCE.environment, declared);
    return record;
  }

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Where everything goes that an operator writes. */
  get logFile(): string {
    return join(this.directory, EVIDENCE.log);
  }

  /** A value that may not appear in anything that the operator writes. */
  keepSecret(name: string, value: string): void {
    this.#secrets.set(name, value);
  }

  /** The values that the simulators take for credentials. */
  keepSecretsOf({ connection }: World): void {
    const { cloudflareToken, chargebeeKey, signingKey } = connection;
    for (const [name, value] of Object.entries({ cloudflareToken, chargebeeKey, signingKey })) this.keepSecret(name, value);
  }

  /** Once no operator runs any more, and while everything else still does. */
  async close(controlPlane: ControlPlane, world: World): Promise<void> {
    await this.#keep(EVIDENCE.counters, { cloudflare: world.cloudflare.ledger(), chargebee: world.chargebee.counters() });
    await this.#keep(EVIDENCE.secrets, Object.fromEntries(this.#secrets));
    await appendFile(this.logFile, "");
    await copyFile(controlPlane.auditLog, join(this.directory, EVIDENCE.audit));
  }

  async #keep(file: string, value: unknown): Promise<void> {
    await writeFile(join(this.directory, file), JSON.stringify(value, null, 2));
  }
}
