import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ProbeStage } from "./probe.testing.ts";

let stage: ProbeStage;
beforeAll(async () => {
  stage = await ProbeStage.start();
});
afterAll(() => stage.close());
beforeEach(() => stage.nextHost());

describe("a domain of ours", () => {
  test("is found over https", async () => {
    stage.connect();
    const { check: result, routed } = await stage.check();
    expect(routed).toMatchObject({ status: "True", reason: "Routed" });
    expect(result).toMatchObject({ found: true, sslValid: true, httpStatus: 200 });
    expect(result).not.toHaveProperty("errorMessage");
    expect(result.timings).toEqual({
      dnsMs: expect.any(Number),
      tcpMs: expect.any(Number),
      tlsMs: expect.any(Number),
      httpMs: expect.any(Number),
    });
    expect(result.checkTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test("may answer with its id", async () => {
    stage.connect();
    stage.edge.origin.setDomainID(stage.host, "6f1c2a34");
    expect((await stage.check()).routed.reason).toBe("Routed");
    stage.edge.origin.setDomainID(stage.host, "another");
    expect((await stage.check()).routed).toMatchObject({
      reason: "UnexpectedResponse",
      message: expect.stringContaining("another domain id"),
    });
  });

  test("Plain compares the whole body", async () => {
    stage.connect();
    const plain = { response: "Plain", signingKey: undefined, path: "/hello" } as const;
    expect((await stage.check({ ...plain, expectedBody: `Hello from ${stage.host}\n` })).routed.reason).toBe("Routed");
    expect((await stage.check({ ...plain, expectedBody: `Hello from ${stage.host}` })).routed.reason).toBe("UnexpectedResponse");
  });

  test("without the signing key nothing is sent", async () => {
    stage.connect();
    expect((await stage.check({ signingKey: undefined })).routed).toMatchObject({ status: "Unknown", reason: "SecretNotFound" });
    expect(stage.edge.counters().requests[`https ${stage.host}`]).toBeUndefined();
  });

  test("egress Off sends nothing", async () => {
    stage.connect();
    expect((await stage.check({ egress: "Off" })).routed).toMatchObject({ status: "Unknown", reason: "CheckOff" });
    expect(stage.edge.counters().handshakes[stage.host]).toBeUndefined();
  });
});

describe("what is not ours", () => {
  test.each([
    ["wrong-signature", "UnexpectedResponse", "signature"],
    ["old-issue-time", "UnexpectedResponse", "60 s"],
    ["replayed-nonce", "UnexpectedResponse", "earlier request"],
    ["foreign-page", "NotOurs", "not this platform's"],
    ["huge-body", "NotOurs", "far more"],
    ["redirect-elsewhere", "UnexpectedStatus", "redirect (status 302)"],
    ["server-error", "UnexpectedStatus", "503"],
    ["drop", "Unreachable", "without an answer"],
  ] as const)("%s → %s", async (fault, reason, text) => {
    stage.connect();
    stage.edge.setFault(stage.host, fault);
    const { check: result, routed } = await stage.check();
    expect(routed).toMatchObject({ status: "False", reason, message: expect.stringContaining(text) });
    expect(result).toMatchObject({ found: false, sslValid: true, errorMessage: routed.message });
  });

  test.each([
    ["tls-alert", "The TLS handshake was refused"],
    ["other-certificate", "The certificate is for another name"],
    ["expired-certificate", "The certificate has expired"],
  ] as const)("%s is told, and that http would be answered", async (fault, text) => {
    stage.connect();
    stage.edge.setFault(stage.host, fault);
    const { check: result, routed } = await stage.check();
    expect(routed).toMatchObject({ status: "False", reason: "CertificateInvalid" });
    expect(result).toMatchObject({ found: true, sslValid: false, httpStatus: 200, sslError: expect.stringContaining(text) });
  });

  test("an authority nobody knows is not trusted without caBundle", async () => {
    stage.connect();
    const { check: result } = await stage.check({ caBundle: undefined });
    expect(result).toMatchObject({ sslValid: false, sslError: expect.stringContaining("unknown authority") });
  });

  test("a name that the edge does not serve is explained from its error page", async () => {
    stage.connect();
    stage.serve(stage.host, false);
    expect((await stage.check()).routed).toMatchObject({
      reason: "UnexpectedStatus",
      message: expect.stringContaining("another account"),
    });
  });

  test("a name without address", async () => {
    expect((await stage.check()).routed).toMatchObject({
      status: "False",
      reason: "Unreachable",
      message: expect.stringContaining("no address"),
    });
  });

  test("DNS that cannot be asked is not held against the domain", async () => {
    stage.connect();
    const dead = stage.settings().dns;
    const { routed } = await stage.check({ dns: { ...dead, dns: { ...dead.dns, resolvers: ["127.0.0.13:1"] } } });
    expect(routed).toMatchObject({ status: "Unknown", reason: "ResolverUnreachable" });
  });

  test("a closed port", async () => {
    stage.connect();
    const { check: result, routed } = await stage.check({ httpsPort: 1, httpPort: 1 });
    expect(routed).toMatchObject({ status: "False", reason: "Unreachable", message: expect.stringContaining("refused") });
    expect(result).not.toHaveProperty("sslValid");
  });
});

describe("probeRedirect", () => {
  const redirect = () => stage.checkRedirect();

  test("expects 308 to the same path of the canonical name", async () => {
    stage.connect();
    stage.connect(`www.${stage.host}`);
    expect(await redirect()).toMatchObject({ status: "True", reason: "Routed" });
  });

  test("any other target or status is not the redirect", async () => {
    stage.connect(`www.${stage.host}`);
    stage.edge.setRedirect(`www.${stage.host}`, "elsewhere.customer-login.dev");
    expect(await redirect()).toMatchObject({ status: "False", reason: "RedirectMissing" });
    stage.serve(`www.${stage.host}`);
    stage.edge.setRedirect(`www.${stage.host}`, `${stage.host}.evil.dev`);
    expect(await redirect()).toMatchObject({ status: "False", reason: "RedirectMissing" });
  });

  test("an answer without redirect is told", async () => {
    stage.connect(`www.${stage.host}`);
    expect(await redirect()).toMatchObject({
      status: "False",
      reason: "RedirectMissing",
      message: expect.stringContaining("status 200"),
    });
  });

  test("egress rules hold for it, too", async () => {
    stage.dns.setRecords(`www.${stage.host}`, "A", ["169.254.169.254"]);
    expect(await redirect()).toMatchObject({ reason: "AddressNotAllowed" });
  });
});
