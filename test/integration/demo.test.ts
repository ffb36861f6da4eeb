import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { request } from "undici";
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBinaries } from "../control-plane/binaries.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { kubectl } from "../tools/kubectl.ts";
import { ensureTool } from "../tools/tools.ts";
import { ensureBundle } from "./bundle.ts";
import { DemoRun } from "./demo-run.ts";

/** Obtaining the binaries and the tools, where they are not cached. */
const SETUP_MS = 45 * 60_000;
const TOLD_MS = 240_000;
const FAILED_MS = 120_000;

beforeAll(async () => {
  await ensureBinaries();
  await ensureTool("helm");
  await ensureBundle();
}, SETUP_MS);

describe("the demo", () => {
  test("tells the whole story, and ends by itself", { timeout: TOLD_MS }, async () => {
    await using demo = new DemoRun("demo-story");
    expect({ code: await demo.exitCode(), output: demo.output }).toMatchObject({ code: 0 });
    const lines = [
      /✓ operator .* as system:serviceaccount:custom-domain-operator:custom-domain-operator$/,
      /✓ Class storefronts is Ready\. Cloudflare accepts .* The fallback origin .* is active\./,
      /TXT +_customdomains-challenge\.shop\.lindqvistkeramik\.se +customdomains-verify=[a-z2-7]{32} +Ownership +yes$/,
      /CNAME +shop\.lindqvistkeramik\.se +edge\.saas-platform\.dev +Routing +yes$/,
      /The first domain is free: at Chargebee, lindqvist-keramik-2024 has no line for custom domains\./,
      /✓ lindqvist\/shop is verified since .*Z, \d+\.\d s after its records were published\./,
      /✓ Chargebee bills lindqvist-keramik-2024 for quantity 1,/,
      /The customer publishes 3 records; for the CNAME at lindqvistkeramik\.se the provider answers with A 127\.\d+\.\d+\.\d+\./,
      /GET https:\/\/www\.lindqvistkeramik\.se\/nyheter\?sida=2 → 308, location https:\/\/lindqvistkeramik\.se\/nyheter\?sida=2/,
      /GET https:\/\/lindqvistkeramik\.se\/nyheter\?sida=2 → 200, "Hello from lindqvistkeramik\.se"/,
      /^ +bookings +bookings\.marlowandfinch\.co\.uk +False +DoubledZone /,
      /"bookings\.marlowandfinch\.co\.uk leads to .*: the DNS provider appended the zone\. Write the value with a final dot/,
      /✓ marlow\/bookings is verified, \d+\.\d s after the correction\./,
      /Cloudflare has 4 custom hostnames: /,
      /Cloudflare has 0 custom hostnames\./,
      /Chargebee has no line for custom domains on lindqvist-keramik-2024\./,
      /✓ 3 names rest as Released claims, until .*Z at least; 0 CustomDomains and 0 CustomDomainRoutes are left\./,
      /^ +\d+\.\d s +Setting up +etcd, kube-apiserver, kube-controller-manager, operator run$/,
      /^ +\d+\.\d s +6\. Deletion leaves nothing behind +0 custom hostnames at Cloudflare, no line for custom domains at Chargebee$/,
      /^ +\d+\.\d s +The whole demo$/,
      /^Everything that was started is stopped: etcd, kube-apiserver, kube-controller-manager, operator\.$/,
    ];
    const printed = demo.output.split("\n");
    const places = lines.map((line) => printed.findIndex((text) => line.test(text)));
    expect(places.filter((place) => place < 0)).toEqual([]);
    expect(places).toEqual(places.toSorted((one, other) => one - other));
    expect(demo.output).not.toContain("\u001b");
    expect(await demo.leftovers()).toEqual([]);
  });

  test("says what is wrong with DNS when a name server does not follow", { timeout: FAILED_MS }, async () => {
    await using demo = new DemoRun("demo-dns", { DEMO_BREAK: "dns", DEMO_STEP_SECONDS: "20" });
    expect(await demo.exitCode()).toBe(1);
    expect(demo.output).toContain('✗ Step "2. A first domain, from kubectl apply to verified" failed after ');
    expect(demo.output).toMatch(
      /Ready +False +Propagating +ns1\.dns-sim\.dev .* already answers with the record, ns2\.dns-sim\.dev .* not yet/,
    );
    expect(demo.output).toMatch(/The end of the operator's log:\n +.* started /);
    expect(await demo.leftovers()).toEqual([]);
  });

  test("says what is wrong with billing when Chargebee refuses", { timeout: FAILED_MS }, async () => {
    await using demo = new DemoRun("demo-billing", { DEMO_BREAK: "billing" });
    expect(await demo.exitCode()).toBe(1);
    expect(demo.output).toContain('✗ Step "3. A second domain, beyond the free tier, is billed" failed after ');
    expect(demo.output).toMatch(/Stalled +True +BillingRejected +.*payment_processing_failed/);
    expect(await demo.leftovers()).toEqual([]);
  });

  test("ends everything on Ctrl-C in the middle of a step", { timeout: FAILED_MS }, async () => {
    await using demo = new DemoRun("demo-interrupted");
    await demo.printed("status.verificationRecords of CustomDomain lindqvist/shop", FAILED_MS);
    demo.interrupt();
    expect(await demo.exitCode()).toBe(130);
    expect(demo.output).toContain("✗ interrupted by SIGINT");
    expect(await demo.leftovers()).toEqual([]);
  });

  test("refuses an option that it does not know, before it starts anything", { timeout: FAILED_MS }, async () => {
    await using demo = new DemoRun(undefined, { DEMO_BREAK: "everything" });
    expect(await demo.exitCode()).toBe(2);
    expect(demo.output).toBe("DEMO_BREAK must be dns or billing\n");
  });
});

describe("the demo that is left running", () => {
  test("can be used as it says, until Ctrl-C", { timeout: TOLD_MS }, async () => {
    await using demo = new DemoRun("demo-kept", { KEEP: "1" });
    await demo.printed("Ctrl-C stops everything.", TOLD_MS);
    const kubeconfig = demo.found(/^ *export KUBECONFIG=(\S+)$/m);
    const binary = join(demo.found(/^ *export PATH=(\S+):\$PATH$/m), "kubectl");
    const verified = async () => {
      const args = ["get", "cdom", "atelier", "-n", "lindqvist", "-o", "jsonpath={.status.verified}"];
      const { code, stdout, stderr } = await kubectl(binary, kubeconfig, args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return stdout;
    };
    expect(await verified()).toBe("false");
    const commands = [...demo.output.matchAll(/^ *curl -d '(.+)' (\S+)$/gm)];
    expect(commands).toHaveLength(2);
    for (const [, body = "", url = ""] of commands) {
      const { statusCode } = await request(url, { method: "POST", body });
      expect(statusCode).toBe(200);
    }
    await waitUntil("the domain to be verified", async () => (await verified()) === "true", {
      timeoutMs: 90_000,
      intervalMs: 500,
    });
    expect(await demo.leftovers()).toHaveLength(2);

    demo.interrupt();
    expect(await demo.exitCode()).toBe(0);
    expect(await demo.leftovers()).toEqual([]);
    expect(existsSync(dirname(kubeconfig))).toBe(false);
  });
});
