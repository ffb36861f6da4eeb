import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Config, parseConfig } from "../../src/config.ts";
import { chartTemplate } from "../../tools/generate/chart-crds.ts";
import { ensureBinaries } from "../control-plane/binaries.ts";
import { type ChartValues, lintChart, RELEASE, renderChart } from "../tools/helm.ts";
import { kubectl } from "../tools/kubectl.ts";
import { type Manifest, parseManifests } from "../tools/manifests.ts";
import { EVERY_VALUE } from "./chart-values.ts";
import { auditRbac } from "./rbac-audit.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Both tools may have to be built first. */
const TIMEOUT = 20 * 60_000;

const KEEP = "helm.sh/resource-policy";
/** Labels by which the two packagings name themselves. */
const PACKAGING_LABELS = new Set([
  "helm.sh/chart",
  ...["instance", "version", "managed-by"].map((label) => `app.kubernetes.io/${label}`),
]);

function isCRD({ kind }: Manifest): boolean {
  return kind === "CustomResourceDefinition";
}

function idOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}

/** What an object means, by its kind and name, without the marks of the tool that rendered it. */
function meaning(manifests: readonly Manifest[]): Record<string, unknown> {
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(strip);
    }
    if (typeof value !== "object" || value === null) {
      return value;
    }
    const entries = Object.entries(value).filter(([key]) => !PACKAGING_LABELS.has(key) && key !== KEEP);
    const stripped = entries.map(([key, inner]) => [key, strip(inner)] as const);
    return Object.fromEntries(stripped.filter(([, inner]) => JSON.stringify(inner) !== "{}"));
  };
  return Object.fromEntries(manifests.map((manifest) => [idOf(manifest), strip(manifest)]));
}

async function kustomize(directory: string): Promise<Manifest[]> {
  const { kubectl: binary } = await ensureBinaries();
  const { code, stdout, stderr } = await kubectl(binary, null, ["kustomize", join(ROOT, directory)]);
  if (code !== 0) {
    throw new Error(stderr);
  }
  return parseManifests(stdout);
}

const podSchema = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.tuple([
          z.object({ args: z.array(z.string()), env: z.array(z.object({ name: z.string(), value: z.string().optional() })) }),
        ]),
      }),
    }),
  }),
});

/** What the operator makes of the arguments and the environment that the Deployment gives it. */
function configOf(manifests: readonly Manifest[]): Config {
  const deployment = manifests.find(({ kind }) => kind === "Deployment");
  const [{ args, env }] = podSchema.parse(deployment).spec.template.spec.containers;
  const environment = { ...Object.fromEntries(env.map(({ name, value }) => [name, value])), POD_NAMESPACE: RELEASE.namespace };
  const [command, ...flags] = args.map((argument) => argument.replace("$(POD_NAMESPACE)", RELEASE.namespace));
  expect(command).toBe("operator");
  const parsed = parseConfig(flags, environment);
  if (parsed.kind !== "config") throw new Error(`the operator refuses what the chart gives it: ${JSON.stringify(parsed)}`);
  return parsed.config;
}

const secretRules = (manifests: readonly Manifest[]): string[] =>
  auditRbac([], manifests, `system:serviceaccount:${RELEASE.namespace}:custom-domain-operator`).unused.filter((rule) =>
    rule.includes(" secrets"),
  );

describe("the chart", { timeout: TIMEOUT }, () => {
  test.each([
    ["its defaults", {}],
    ["every value set", EVERY_VALUE],
  ])("has nothing to lint with %s", async (_, values) => {
    await expect(lintChart(values)).resolves.toBeUndefined();
  });

  test("renders with its defaults what an installation needs, and nothing else", async () => {
    const manifests = (await renderChart()).filter((manifest) => !isCRD(manifest));
    const own = RELEASE.namespace;
    expect(manifests.map(idOf).sort()).toEqual([
      "ClusterRole /custom-domain-operator",
      "ClusterRole /custom-domain-operator-admin",
      "ClusterRole /custom-domain-operator-editor",
      "ClusterRole /custom-domain-operator-viewer",
      "ClusterRoleBinding /custom-domain-operator",
      `Deployment ${own}/custom-domain-operator`,
      `Role ${own}/custom-domain-operator`,
      `RoleBinding ${own}/custom-domain-operator`,
      `ServiceAccount ${own}/custom-domain-operator`,
      "ValidatingAdmissionPolicy /custom-domain-operator-gateways",
      "ValidatingAdmissionPolicyBinding /custom-domain-operator-gateways",
    ]);
  });

  test("follows the namespace of the release everywhere", async () => {
    const [here, there] = await Promise.all([renderChart(), renderChart({}, "elsewhere")]);
    const moved = JSON.stringify(here)
      .replaceAll('"namespace":"custom-domain-operator"', '"namespace":"elsewhere"')
      .replaceAll("system:serviceaccount:custom-domain-operator:", "system:serviceaccount:elsewhere:");
    expect(there).toEqual(JSON.parse(moved));
  });

  test.each([
    ["a misspelt key", { replicaCount: 2 }, "replicaCount"],
    ["a misspelt key inside", { image: { repositry: "x" } }, "repositry"],
    ["a wrong type", { replicas: "two" }, "replicas"],
    ["a name that no Secret can have", { credentials: { secretNames: ["Cloud_Flare"] } }, "secretNames"],
    ["a wildcard instead of a Secret's name", { credentials: { secretNames: ["*"] } }, "secretNames"],
    ["a value that means false by accident", { crds: { keep: "false" } }, "keep"],
    ["a level that the operator does not have", { logLevel: "verbose" }, "logLevel"],
    ["an address instead of a block", { checks: { deniedCIDRs: ["10.96.0.1"] } }, "deniedCIDRs"],
    ["a block longer than its addresses", { checks: { deniedCIDRs: ["10.96.0.0/33"] } }, "deniedCIDRs"],
    ["a name instead of a block", { checks: { deniedCIDRs: ["fd00::/64", "cluster/8"] } }, "deniedCIDRs"],
    ["blocks in one string", { checks: { deniedCIDRs: "10.96.0.0/12,10.244.0.0/16" } }, "deniedCIDRs"],
  ])("refuses %s and names it", async (_, values: ChartValues, named) => {
    await expect(renderChart(values)).rejects.toThrow(named);
  });

  test("puts every value to use", async () => {
    const rendered = JSON.stringify(await renderChart(EVERY_VALUE));
    const leaves = (value: unknown): unknown[] =>
      typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [value];
    const { crds: _, image: __, ...others } = EVERY_VALUE;
    expect(leaves(others).filter((leaf) => !rendered.includes(String(leaf)))).toEqual([]);
    expect(rendered).toContain('"image":"registry.storelane.app/custom-domain-operator:1.2.3","imagePullPolicy":"Always"');
  });

  test("gives the operator the Secrets that are named, and none when none is", async () => {
    const [defaults, every, none] = await Promise.all([
      renderChart(),
      renderChart(EVERY_VALUE),
      renderChart({ credentials: { secretNames: [] } }),
    ]);
    const rules = (...names: string[]) =>
      ["list", "watch"].flatMap((verb) => names.map((name) => `${verb} secrets "${name}" in ${RELEASE.namespace}`)).sort();
    expect(secretRules(defaults)).toEqual(rules("chargebee", "cloudflare", "domain-check"));
    expect(secretRules(every)).toEqual(rules("one", "two.three"));
    expect(secretRules(none)).toEqual([]);
  });

  test("gives the operator the cluster's address blocks, as it reads them", async () => {
    const blocks = ["10.96.0.0/12", "203.0.113.7/32", "fd00:10::/64", "::/0", "2001:db8:1:2:3:4:5:6/128"];
    const [defaults, some] = await Promise.all([renderChart(), renderChart({ checks: { deniedCIDRs: blocks } })]);
    expect(configOf(defaults).deniedCIDRs).toEqual([]);
    expect(configOf(some).deniedCIDRs).toEqual(blocks);
  });

  test("has no wildcard in any role", async () => {
    expect(auditRbac([], await renderChart(), "anyone").wildcards).toEqual([]);
  });

  test("has the version of the package", async () => {
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")));
    const deployment = (await renderChart()).find(({ kind }) => kind === "Deployment");
    expect(JSON.stringify(deployment)).toContain(`"image":"custom-domain-operator:${version}"`);
    expect(deployment?.metadata.labels?.["helm.sh/chart"]).toBe(`custom-domain-operator-${version}`);
  });
});

describe("the chart's CRDs", { timeout: TIMEOUT }, () => {
  test("are the generated ones, kept at uninstall", async () => {
    const generated = await generatedCRDs();
    const rendered = (await renderChart()).filter(isCRD);
    expect(meaning(rendered)).toEqual(meaning([...generated.values()].flatMap(parseManifests)));
    expect(rendered).toHaveLength(5);
    expect(rendered.map(({ metadata }) => metadata.annotations?.[KEEP])).toEqual(rendered.map(() => "keep"));
  });

  test("are up to date with crds/", async () => {
    const directory = join(ROOT, "charts/custom-domain-operator/templates/crds");
    const templates = await Promise.all(
      (await readdir(directory)).map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const),
    );
    const expected = [...(await generatedCRDs())].map(([name, text]) => [name, chartTemplate(text)] as const);
    expect(new Map(templates)).toEqual(new Map(expected));
  });

  test("go when they are not to be kept, and can be left out", async () => {
    const [gone, absent] = await Promise.all([renderChart({ crds: { keep: false } }), renderChart({ crds: { enabled: false } })]);
    const generated = [...(await generatedCRDs()).values()].flatMap(parseManifests);
    expect(gone.filter(isCRD).map(({ metadata }) => metadata.annotations)).toEqual(
      generated.map(({ metadata }) => metadata.annotations),
    );
    expect(absent.filter(isCRD)).toEqual([]);
  });
});

describe("kustomize", { timeout: TIMEOUT }, () => {
  test("config/default renders the same objects as the chart, and the namespace", async () => {
    const [chart, overlay] = await Promise.all([renderChart(), kustomize("config/default")]);
    const namespaces = overlay.filter(({ kind }) => kind === "Namespace");
    expect(meaning(overlay.filter(({ kind }) => kind !== "Namespace"))).toEqual(meaning(chart));
    expect(namespaces.map(({ metadata }) => metadata.name)).toEqual([RELEASE.namespace]);
  });

  test("the samples use only Secrets that the operator may read", async () => {
    const [samples, chart] = await Promise.all([kustomize("config/samples"), renderChart()]);
    const classes = JSON.stringify(samples.filter(({ kind }) => kind === "CustomDomainClass"));
    const referred = [...classes.matchAll(/SecretRef":\{"key":"(?<key>\w+)","name":"(?<name>[\w-]+)"\}/g)].map(
      ({ groups }) => groups,
    );
    const secrets = samples.filter(({ kind }) => kind === "Secret");
    expect(referred).toHaveLength(3);
    for (const { key, name } of referred.map((groups) => ({ ...groups }))) {
      expect(secretRules(chart)).toContain(`watch secrets "${name}" in ${RELEASE.namespace}`);
      const secret = secrets.find(({ metadata }) => metadata.name === name && metadata.namespace === RELEASE.namespace);
      expect(secret).toMatchObject({ stringData: { [key ?? ""]: expect.any(String) } });
    }
  });
});

/** File name → text. */
async function generatedCRDs(): Promise<Map<string, string>> {
  const directory = join(ROOT, "crds");
  const names = (await readdir(directory)).filter((name) => name.endsWith(".yaml") && name !== "kustomization.yaml");
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const)));
}
