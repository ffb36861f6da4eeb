import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "../..");
const BUNDLE = join(ROOT, "dist/main.js");

/** Builds dist/main.js unless it is there and younger than everything in src/. */
export async function ensureBundle(): Promise<void> {
  const bundle = await stat(BUNDLE).catch(() => undefined);
  const sources = await readdir(join(ROOT, "src"), { recursive: true, withFileTypes: true });
  const times = sources
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).mtimeMs);
  if (bundle !== undefined && bundle.mtimeMs > Math.max(...(await Promise.all(times)))) return;
  await promisify(execFile)("npm", ["run", "--silent", "build"], { cwd: ROOT });
}
