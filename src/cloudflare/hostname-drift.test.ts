import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applied, classOf, HOSTNAME, patched, row, served, wanted, ZONE } from "./hostname.testing.ts";
import { createInput, drift, sameOrigin, wantedHostname } from "./hostname.ts";
import { inService } from "./recorded-rows.testing.ts";
import { editParams } from "./wire.ts";

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
