import { describe, expect, test } from "vitest";
import { classOf, HOSTNAME, row, served, wanted, ZONE } from "./hostname.testing.ts";
import { createdByUs, createInput, type DomainSettings, isGone, restartable, restartInput, wantedHostname } from "./hostname.ts";
import { inService, justCreated } from "./recorded-rows.testing.ts";
import { createParams, editParams } from "./wire.ts";

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
