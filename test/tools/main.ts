import { ensureTool } from "./tools.ts";

/** Builds the pinned tools into the cache, so that no test waits for it. */
await ensureTool("helm", { onProgress: (line) => process.stderr.write(`${line}\n`) });
