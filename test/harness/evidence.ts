import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../.tmp/evidence");

/** Where everything is kept that the checks over the whole suite judge: one directory per control plane that ran. */
export function evidenceRoot(): string {
  return process.env.EVIDENCE_DIRECTORY ?? ROOT;
}

export async function evidenceDirectory(name: string): Promise<string> {
  await mkdir(evidenceRoot(), { recursive: true });
  return mkdtemp(join(evidenceRoot(), `${name}-`));
}
