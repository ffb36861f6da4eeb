import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { type IssuedCertificate, TestAuthority } from "./pki.ts";

async function handshake(issued: IssuedCertificate, authority: TestAuthority, servername: string): Promise<string> {
  const server = createServer({ key: issued.key, cert: issued.cert }, (socket) => socket.end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const socket: TLSSocket = connect({ port: address.port, host: "127.0.0.1", servername, ca: authority.caPem });
  try {
    await once(socket, "secureConnect");
    return "trusted";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
  }
}

test("a certificate is trusted for its own names only", async () => {
  const authority = new TestAuthority();
  const issued = authority.issue(["shop.acme.dev", "*.shop.acme.dev"]);
  expect(await handshake(issued, authority, "shop.acme.dev")).toBe("trusted");
  expect(await handshake(issued, authority, "a.shop.acme.dev")).toBe("trusted");
  expect(await handshake(issued, authority, "other.acme.dev")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
});

test("another authority's certificate is not trusted", async () => {
  const issued = new TestAuthority().issue(["shop.acme.dev"]);
  expect(await handshake(issued, new TestAuthority(), "shop.acme.dev")).not.toBe("trusted");
});

test("an expired certificate is refused as expired", async () => {
  const authority = new TestAuthority();
  const issued = authority.issue(["shop.acme.dev"], { notAfter: Date.now() - 60_000 });
  expect(await handshake(issued, authority, "shop.acme.dev")).toBe("CERT_HAS_EXPIRED");
});

test("a hostname longer than a common name may be can be certified", () => {
  const authority = new TestAuthority();
  const hostname = `${"a".repeat(60)}.${"b".repeat(60)}.dev`;
  const certificate = new X509Certificate(authority.issue([hostname]).cert);
  expect(certificate.checkHost(hostname)).toBe(hostname);
  expect(certificate.verify(new X509Certificate(authority.caPem).publicKey)).toBe(true);
});
