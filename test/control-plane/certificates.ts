import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/**
 * The certificates of a throw-away control plane. Written here in plain DER because the alternative, @peculiar/x509, needs a polyfill of
 * the global `Reflect`, and a control plane needs three kinds of certificate only. Key identifiers are included, since strict verifiers
 * (Python 3.13 and later) refuse a chain without them.
 */
export interface KeyPair {
  /** PEM certificate. */
  readonly cert: string;
  /** PEM private key, PKCS #8. */
  readonly key: string;
}

export interface CertificateAuthority {
  readonly cert: string;
  /** `names` may hold DNS names and IPv4 addresses; both become subject alternative names. */
  issueServer(commonName: string, names: readonly string[]): KeyPair;
  /** What Kubernetes reads as user name (`commonName`) and groups (`organizations`). */
  issueClient(commonName: string, organizations: readonly string[]): KeyPair;
}

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;
const CERT_SIGN_AND_CRL_SIGN = Buffer.from([0x01, 0x06]);
const DIGITAL_SIGNATURE = Buffer.from([0x07, 0x80]);
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

export function createAuthority(commonName: string): CertificateAuthority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = distinguishedName(commonName, []);
  const keyId = keyIdentifier(keys.publicKey);
  const certificate = (subject: Buffer, publicKey: KeyObject, extensions: readonly Buffer[]): string =>
    pem(signed(name, keys.privateKey, subject, publicKey, extensions));
  const issue = (subject: Buffer, usage: string, more: readonly Buffer[]): KeyPair => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const extensions = [
      extension("2.5.29.19", true, sequence()),
      extension("2.5.29.15", true, der(TAG.bits, DIGITAL_SIGNATURE)),
      extension("2.5.29.37", false, sequence(oid(usage))),
      extension("2.5.29.35", false, sequence(der(0x80, keyId))),
      ...more,
    ];
    return { cert: certificate(subject, pair.publicKey, extensions), key: privateKeyPem(pair.privateKey) };
  };

  return {
    cert: certificate(name, keys.publicKey, [
      extension("2.5.29.19", true, sequence(der(TAG.boolean, Buffer.from([0xff])))),
      extension("2.5.29.15", true, der(TAG.bits, CERT_SIGN_AND_CRL_SIGN)),
      extension("2.5.29.14", false, der(TAG.octets, keyId)),
    ]),
    issueServer: (commonName, names) =>
      issue(distinguishedName(commonName, []), "1.3.6.1.5.5.7.3.1", [
        extension("2.5.29.17", false, sequence(...names.map(generalName))),
      ]),
    issueClient: (commonName, organizations) => issue(distinguishedName(commonName, organizations), "1.3.6.1.5.5.7.3.2", []),
  };
}

/** A signing key for ServiceAccount tokens, with the public half that the API server verifies them by. */
export function createSigningKey(): { readonly privateKey: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { privateKey: privateKeyPem(privateKey), publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() };
}

function signed(issuer: Buffer, signer: KeyObject, subject: Buffer, publicKey: KeyObject, extensions: readonly Buffer[]): Buffer {
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const now = Date.now();
  const body = sequence(
    der(0xa0, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, serialNumber()),
    algorithm,
    issuer,
    sequence(utcTime(now - HOUR), utcTime(now + YEAR)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  return sequence(body, algorithm, bitString(sign("sha256", body, signer)));
}

/** Positive and without a leading zero byte, as DER integers must be. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes;
}

function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash("sha1")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest();
}

function privateKeyPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string, organizations: readonly string[]): Buffer {
  const attribute = (type: string, value: string) => der(TAG.set, sequence(oid(type), der(TAG.utf8, Buffer.from(value))));
  return sequence(...organizations.map((organization) => attribute("2.5.4.10", organization)), attribute("2.5.4.3", commonName));
}

function generalName(name: string): Buffer {
  if (/^\d+(\.\d+){3}$/.test(name)) {
    return der(0x87, Buffer.from(name.split(".").map(Number)));
  }
  return der(0x82, Buffer.from(name));
}

function extension(type: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [der(TAG.boolean, Buffer.from([0xff]))] : [];
  return sequence(oid(type), ...flag, der(TAG.octets, value));
}

function bitString(content: Buffer): Buffer {
  return der(TAG.bits, Buffer.concat([Buffer.from([0]), content]));
}

function utcTime(time: number): Buffer {
  const digits = new Date(time).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return der(TAG.utcTime, Buffer.from(digits.slice(2)));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) {
    bytes.unshift((left & 0x7f) | 0x80);
  }
  return bytes;
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(TAG.sequence, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
