import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Manifest, parseManifests } from "./manifests.ts";

const MODULE = "sigs.k8s.io/gateway-api";
const FILES = ["gateways", "httproutes"].map((plural) => `gateway.networking.k8s.io_${plural}.yaml`);

/**
 * The CRDs of Gateways and HTTPRoutes as the Gateway API publishes them, from its Go module, which go.mod beside this pins.
 * @throws Error when there is no go command or the module cannot be downloaded.
 */
export async function gatewayApiCrds(): Promise<readonly Manifest[]> {
  const cwd = join(import.meta.dirname, "gateway-api");
  const env = { ...process.env, GOWORK: "off", GOFLAGS: "-mod=readonly" };
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", MODULE], { cwd, env });
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  const texts = await Promise.all(FILES.map((file) => readFile(join(Dir, "config/crd/standard", file), "utf8")));
  return texts.flatMap(parseManifests);
}
