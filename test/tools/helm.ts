import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Manifest, parseManifests } from "./manifests.ts";
import { ensureTool } from "./tools.ts";

const CHART = join(import.meta.dirname, "../../charts/custom-domain-operator");

/** The names that `helm install` in the README uses, and that `config/` renders. */
export const RELEASE = { name: "custom-domain-operator", namespace: "custom-domain-operator" } as const;

/** Values as a user would write them in a values file: anything that JSON can say. */
export type ChartValues = Readonly<Record<string, unknown>>;

/**
 * What `helm install` would send to the API server, without a cluster. Manifests of hooks are included, NOTES are not.
 *
 * @throws Error with helm's own message when the values break values.schema.json or a template fails.
 */
export async function renderChart(values: ChartValues = {}, namespace: string = RELEASE.namespace): Promise<Manifest[]> {
  return parseManifests(await helm(["template", RELEASE.name, CHART, "--namespace", namespace], values));
}

/**
 * Installs or upgrades the release on a cluster, without waiting for pods, and returns the NOTES that the user sees.
 *
 * @param kubeconfig - path; its user must be an administrator.
 */
export async function installChart(kubeconfig: string, values: ChartValues = {}): Promise<string> {
  const output = await helm(
    ["upgrade", "--install", RELEASE.name, CHART, "--namespace", RELEASE.namespace, "--create-namespace"],
    values,
    kubeconfig,
  );
  return output.split("\nNOTES:\n")[1] ?? "";
}

/** Returns what helm says; it names what it leaves in place. */
export function uninstallChart(kubeconfig: string): Promise<string> {
  return helm(["uninstall", RELEASE.name, "--namespace", RELEASE.namespace], undefined, kubeconfig);
}

/** @throws Error with helm's findings when there are any, warnings included. */
export async function lintChart(values: ChartValues = {}): Promise<void> {
  await helm(["lint", CHART, "--strict", "--namespace", RELEASE.namespace], values);
}

/** Runs helm with an empty home of its own, so that nothing on this machine (repositories, plugins, KUBECONFIG) has a say. */
async function helm(args: readonly string[], values: ChartValues | undefined, kubeconfig?: string): Promise<string> {
  const command = await ensureTool("helm");
  const home = await mkdtemp(join(tmpdir(), "helm-"));
  try {
    const file = join(home, "values.json");
    await writeFile(file, JSON.stringify(values ?? {}));
    const env = { HOME: home, PATH: process.env.PATH ?? "", KUBECONFIG: kubeconfig ?? join(home, "no-kubeconfig") };
    const withValues = values === undefined ? [] : ["--values", file];
    const { stdout } = await promisify(execFile)(command, [...args, ...withValues], { env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
