import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { generatedFiles } from "./files.ts";

const root = join(import.meta.dirname, "..", "..");

/** Files whose content on disk is not what would be written, in the order of {@link generatedFiles}. */
async function staleFiles(files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const checked = await Promise.all(
    [...files].map(async ([path, content]) => {
      const onDisk = await readFile(join(root, path), "utf8").catch(() => undefined);
      return onDisk === content ? [] : [path];
    }),
  );
  return checked.flat();
}

async function write(files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const files = generatedFiles();
if (values.check) {
  const stale = await staleFiles(files);
  for (const path of stale) console.error(`${path} is stale: run node tools/generate/main.ts`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  await write(files);
  console.log(`wrote ${files.size} files`);
}
