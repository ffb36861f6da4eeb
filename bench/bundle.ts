import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const OUTFILE = join(ROOT, ".tmp", "bench", "ours.js");

/** Bundles bench/ours as `npm run build` bundles the operator; resolves to the path of the bundle. */
export async function bundleOurs(): Promise<string> {
  await build({
    entryPoints: [join(ROOT, "bench", "ours", "main.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    outfile: OUTFILE,
    legalComments: "none",
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: "external",
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  return OUTFILE;
}
