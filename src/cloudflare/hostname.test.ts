import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cloudflareSchema } from "../api/v1/cloudflare-settings.ts";
import { policySchema } from "../api/v1/policy-settings.ts";
import type { CreateInput, EditInput } from "./api.ts";
import {
  type ClassSettings,
  createdByUs,
  createInput,
  type DomainSettings,
  drift,
  isGone,
  restartable,
  restartInput,
  sameOrigin,
  wantedHostname,
} from "./hostname.ts";
import { inService, justCreated } from "./recorded-rows.testing.ts";
import { type CustomHostname, parseRow } from "./row.ts";
import { createParams, editParams } from "./wire.ts";

const ZONE = "023e105f4ecef8ad9ca31a8372d0c353";
const HOSTNAME = "custom.customer.dev";

function classOf(cloudflare: Record<string, unknown> = {}, policy: Record<string, unknown> = {}): ClassSettings {
  return {
    cloudflare: cloudflareSchema.parse({ zoneID: ZONE, apiTokenSecretRef: { name: "cloudflare", key: "token" }, ...cloudflare }),
    policy: policySchema.parse({
      overridableSSLFields: ["method", "minTLSVersion", "http2", "earlyHints", "ciphers", "certificateAuthority"],
      allowedOrigins: ["origin.platform.dev", ":request_host_header:"],
      ...policy,
    }),
  };
}

function row(raw: unknown): CustomHostname {
  const parsed = parseRow(raw);
  if (parsed === undefined) throw new Error("no row");
  return parsed;
}

const served = row(inService);

function wanted(spec: DomainSettings = {}, classSettings = classOf()) {
  return wantedHostname(HOSTNAME, spec, classSettings);
}

/** What Cloudflare shows after it took the body: defaults filled in, an authority chosen. */
function applied(body: CreateInput | EditInput, to: CustomHostname): CustomHostname {
  const { ssl: certificate, ...origins } = "hostname" in body ? createParams(ZONE, body) : editParams(ZONE, body);
  const settings = { http2: "on", http3: "on", ...certificate?.settings };
  return row({
    ...inService,
    ...to,
    ...origins,
    ssl: { certificate_authority: "google", bundle_method: "ubiquitous", ...certificate, settings },
  });
}

describe("create", () => {
  test("sends method, type, settings, and no certificate authority that nobody chose", () => {
    expect(createParams(ZONE, createInput(wanted()))).toEqual({
      zone_id: ZONE,
      hostname: HOSTNAME,
      ssl: { method: "txt", type: "dv", settings: { min_tls_version: "1.2" } },
    });
  });

  test("sends what the domain may choose, and the class's origin only when it is allowed", () => {
    const spec: DomainSettings = {
      ssl: { minTLSVersion: "1.3", http2: false },
      origin: { server: "origin.platform.dev", sni: ":request_host_header:" },
    };
    expect(createParams(ZONE, createInput(wanted(spec)))).toMatchObject({
      ssl: { settings: { min_tls_version: "1.3", http2: "off" } },
      custom_origin_server: "origin.platform.dev",
      custom_origin_sni: ":request_host_header:",
    });
    const strict = classOf({}, { overridableSSLFields: [], allowedOrigins: [] });
    expect(createInput(wanted(spec, strict))).toEqual(createInput(wanted({}, strict)));
  });

  test("never sends ciphers together with TLS 1.3 as the least version", () => {
    const classSettings = classOf({ ssl: { ciphers: ["AES128-SHA"] } });
    expect(createInput(wanted({ ssl: { minTLSVersion: "1.3" } }, classSettings)).ssl.settings).toEqual({ minTLSVersion: "1.3" });
  });

  test("asks for Cloudflare's branding when the name is too long for a common name", () => {
    const long = `${"a".repeat(60)}.customer.dev`;
    expect(createInput(wantedHostname(long, {}, classOf())).ssl.cloudflareBranding).toBe(true);
    expect(createInput(wanted()).ssl.cloudflareBranding).toBeUndefined();
  });

  test("the www twin is created with the same certificate settings", () => {
    const twin = createInput(wantedHostname(`www.${HOSTNAME}`, {}, classOf()));
    expect(twin).toEqual({ ...createInput(wanted()), hostname: `www.${HOSTNAME}` });
  });
});

describe("drift", () => {
  test("server defaults and the server's certificate authority are no difference", () => {
    for (const rollout of ["NewOnly", "Existing"]) expect(drift(served, wanted({}, classOf({ rollout })))).toBeUndefined();
    const bare = row({ ...inService, ssl: { ...inService.ssl, settings: {} } });
    expect(drift(bare, wanted())).toBeUndefined();
  });

  test("a class's change reaches existing rows only under rollout Existing", () => {
    const ssl = { minTLSVersion: "1.3" };
    expect(drift(served, wanted({}, classOf({ ssl, rollout: "NewOnly" })))).toBeUndefined();
    expect(drift(served, wanted({}, classOf({ ssl, rollout: "Existing" })))?.ssl.settings?.minTLSVersion).toBe("1.3");
  });

  test("changing ciphers sends method, type and all settings, and no certificate authority", () => {
    const ciphers = ["ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"];
    const patch = drift(served, wanted({ ssl: { ciphers } }));
    expect(patch && editParams(ZONE, patch)).toEqual({
      zone_id: ZONE,
      ssl: { method: "txt", type: "dv", settings: { min_tls_version: "1.2", http2: "on", tls_1_3: "on", ciphers } },
    });
  });

  test("one PATCH holds every changed setting and those that stay", () => {
    const ciphers = ["ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"];
    const ssl = { minTLSVersion: "1.2", http2: false, earlyHints: false, ciphers } as const;
    const before = applied(createInput(wanted({ ssl })), served);
    expect(drift(before, wanted({ ssl }))).toBeUndefined();
    expect(drift(before, wanted({ ssl: { ...ssl, minTLSVersion: "1.1" } }))?.ssl).toEqual({
      method: "txt",
      type: "dv",
      settings: { minTLSVersion: "1.1", http2: "off", earlyHints: "off", ciphers },
    });
  });

  test("the order of ciphers counts", () => {
    const before = applied(createInput(wanted({ ssl: { ciphers: ["A-1", "B-2"] } })), served);
    expect(drift(before, wanted({ ssl: { ciphers: ["B-2", "A-1"] } }))?.ssl.settings?.ciphers).toEqual(["B-2", "A-1"]);
  });

  test("raising the least version to 1.3 drops ciphers that would be refused with it", () => {
    const before = applied(createInput(wanted({ ssl: { ciphers: ["AES128-SHA"] } })), served);
    const settings = drift(before, wanted({ ssl: { minTLSVersion: "1.3" } }))?.ssl.settings;
    expect([settings?.minTLSVersion, settings?.ciphers]).toEqual(["1.3", undefined]);
  });

  test("a certificate authority is sent only when it was chosen and differs", () => {
    const chosen = wanted({ ssl: { certificateAuthority: "google" } });
    expect(drift(served, chosen)?.ssl.certificateAuthority).toBe("google");
    expect(drift(row({ ...inService, ssl: { ...inService.ssl, certificate_authority: "google" } }), chosen)).toBeUndefined();
  });

  test("the method of a row is kept unless it was chosen, since another issues a new certificate", () => {
    const http = row({ ...inService, ssl: { ...inService.ssl, method: "http" } });
    expect(drift(http, wanted())).toBeUndefined();
    expect(drift(http, wanted({ ssl: { http2: false } }))?.ssl.method).toBe("http");
    expect(drift(http, wanted({ ssl: { method: "txt" } }))?.ssl.method).toBe("txt");
    const old = row({ ...inService, ssl: { ...inService.ssl, method: "cname" } });
    expect(drift(old, wanted({ ssl: { http2: false } }))?.ssl.method).toBe("txt");
  });

  test("an origin of a former holder does not stay", () => {
    const other = row({ ...inService, custom_origin_server: "origin.former.dev" });
    expect(sameOrigin(other, wanted())).toBe(false);
    expect(drift(other, wanted())).toEqual({ ssl: { method: "txt", type: "dv" }, customOriginServer: "" });
    expect(sameOrigin(served, wanted())).toBe(true);
  });

  test("a row that was handed over is compared in everything", () => {
    const former = applied(createInput(wanted({ ssl: { minTLSVersion: "1.0" } })), served);
    expect(drift(former, wanted())).toBeUndefined();
    const patch = drift(former, wantedHostname(HOSTNAME, {}, classOf(), "Existing"));
    expect(patch?.ssl.settings?.minTLSVersion).toBe("1.2");
  });

  test("a row without certificate gets one", () => {
    const bare = row({ ...inService, ssl: null });
    expect(drift(bare, wanted())?.ssl).toMatchObject({ method: "txt", type: "dv" });
  });

  test("what was created or patched as wanted differs no more, and a patch always names method and type", () => {
    const settings = fc.record(
      {
        method: fc.constantFrom("txt", "http"),
        minTLSVersion: fc.constantFrom("1.0", "1.1", "1.2", "1.3"),
        http2: fc.boolean(),
        tls13: fc.boolean(),
        earlyHints: fc.boolean(),
        certificateAuthority: fc.constantFrom("google", "ssl_com"),
        ciphers: fc.uniqueArray(fc.constantFrom("AES128-SHA", "AES256-SHA", "ECDHE-RSA-AES128-SHA"), { minLength: 1 }),
      },
      { requiredKeys: [] },
    );
    const origin = fc.constantFrom({}, { server: "origin.platform.dev" });
    fc.assert(
      fc.property(
        settings,
        settings,
        settings,
        origin,
        origin,
        fc.constantFrom("NewOnly", "Existing"),
        (inClass, before, after, from, to, rollout) => {
          const classSettings = classOf({ ssl: inClass, rollout });
          const first = wanted({ ssl: before, origin: from }, classSettings);
          const created = applied(createInput(first), row({ ...inService, ssl: null }));
          const second = wanted({ ssl: after, origin: to }, classSettings);
          const patch = drift(created, second);
          expect(drift(created, first)).toBeUndefined();
          if (patch === undefined) return;
          expect([patch.ssl.type, patch.ssl.method]).toEqual(["dv", expect.any(String)]);
          expect(drift(patched(patch, created), second)).toBeUndefined();
        },
      ),
    );
  });
});

/** Settings are replaced as a whole, the rest member by member. */
function patched(patch: EditInput, before: CustomHostname): CustomHostname {
  const body = editParams(ZONE, patch);
  return row({
    ...inService,
    custom_origin_server: body.custom_origin_server ?? before.customOriginServer,
    ssl: {
      method: body.ssl?.method,
      certificate_authority: body.ssl?.certificate_authority ?? before.ssl?.certificateAuthority,
      settings: body.ssl?.settings ?? {
        min_tls_version: before.ssl?.settings.minTLSVersion,
        http2: before.ssl?.settings.http2,
        tls_1_3: before.ssl?.settings.tls13,
        early_hints: before.ssl?.settings.earlyHints,
        ciphers: before.ssl?.settings.ciphers,
      },
    },
  });
}

describe("state of a row", () => {
  test("a restart repeats method and type and nothing else", () => {
    expect(editParams(ZONE, restartInput(served, wanted({ ssl: { http2: false } })))).toEqual({
      zone_id: ZONE,
      ssl: { method: "txt", type: "dv" },
    });
  });

  test("only what Cloudflare gave up on is restarted by itself", () => {
    const at = (status: string, ssl = "active") =>
      restartable(row({ ...inService, status, ssl: { ...inService.ssl, status: ssl } }));
    expect([at("moved"), at("active", "validation_timed_out"), at("pending", "timed_out")]).toEqual([
      "Automatic",
      "Automatic",
      "Automatic",
    ]);
    expect([at("blocked"), at("pending_blocked"), at("blocked", "validation_timed_out")]).toEqual([
      "OnRequest",
      "OnRequest",
      "OnRequest",
    ]);
    expect([at("active"), at("pending"), at("deleted", "timed_out"), at("some_future_status")]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("a row that is being deleted is gone though it still answers", () => {
    const gone = ["deleted", "pending_deletion", "moved", "active"].map((status) => isGone(row({ ...inService, status })));
    expect(gone).toEqual([true, true, false, false]);
  });

  test("a row is ours when it was created after the claim, give or take a minute", () => {
    const at = (created_at: string | undefined) => createdByUs(row({ ...justCreated, created_at }), "2026-10-05T12:00:00Z");
    expect(at("2026-10-05T12:00:01.5Z")).toBe(true);
    expect(at("2026-10-05T11:59:00Z")).toBe(true);
    expect(at("2026-10-05T11:58:59.999Z")).toBe(false);
    expect([at(undefined), at("yesterday")]).toEqual([false, false]);
  });
});
