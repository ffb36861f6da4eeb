import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { bits, boolean, context, generalizedTime, integer, octets, oid, sequence, set, utf8 } from "./der.ts";

export interface IssuedCertificate {
  /** PEM private key, PKCS #8. */
  readonly key: string;
  /** PEM certificate, without the authority's own. */
  readonly cert: string;
  /** Hexadecimal. */
  readonly serialNumber: string;
}

/** Unix milliseconds of the machine's clock: TLS libraries know no other. */
export interface Validity {
  readonly notBefore?: number;
  readonly notAfter?: number;
}

const DAY_MS = 86_400_000;
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const OID = {
  commonName: "2.5.4.3",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  subjectKeyIdentifier: "2.5.29.14",
  authorityKeyIdentifier: "2.5.29.35",
  subjectAltName: "2.5.29.17",
} as const;

/**
 * A certificate authority for one test run: ECDSA P-256, everything in memory. Written in plain DER because
 * `@peculiar/x509` needs a polyfill of the global `Reflect`.
 */
export class TestAuthority {
  readonly caPem: string;
  readonly #name: Buffer;
  readonly #key: KeyObject;
  readonly #keyId: Buffer;

  constructor(commonName = "Simulated Edge CA") {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#name = distinguishedName(commonName);
    this.#key = pair.privateKey;
    this.#keyId = keyIdentifier(pair.publicKey);
    const extensions = [
      extension(OID.basicConstraints, true, sequence(boolean(true))),
      extension(OID.keyUsage, true, bits(Buffer.from([0x06]), 1)),
      extension(OID.subjectKeyIdentifier, false, octets(this.#keyId)),
    ];
    this.caPem = pem("CERTIFICATE", this.#certificate(this.#name, pair.publicKey, {}, extensions).der);
  }

  /** A server certificate for DNS names. Valid from a day ago for 90 days unless `validity` says otherwise. */
  issue(hostnames: readonly string[], validity: Validity = {}): IssuedCertificate {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const names = hostnames.map((hostname) => context(2, Buffer.from(hostname, "ascii"), false));
    const extensions = [
      extension(OID.basicConstraints, true, sequence()),
      extension(OID.keyUsage, true, bits(Buffer.from([0x80]), 7)),
      extension(OID.extendedKeyUsage, false, sequence(oid(OID.serverAuth))),
      extension(OID.subjectKeyIdentifier, false, octets(keyIdentifier(pair.publicKey))),
      extension(OID.authorityKeyIdentifier, false, sequence(context(0, this.#keyId, false))),
      // Critical because the subject is empty: a common name is limited to 64 characters, a hostname is not.
      extension(OID.subjectAltName, true, sequence(...names)),
    ];
    const { der, serialNumber } = this.#certificate(sequence(), pair.publicKey, validity, extensions);
    const key = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    return { key, cert: pem("CERTIFICATE", der), serialNumber };
  }

  #certificate(subject: Buffer, publicKey: KeyObject, validity: Validity, extensions: readonly Buffer[]) {
    const now = Date.now();
    // The second highest bit set: positive, and never a leading zero byte.
    const serial = randomBytes(16);
    serial.writeUInt8((serial.readUInt8(0) & 0x3f) | 0x40, 0);
    const algorithm = sequence(oid(ECDSA_WITH_SHA256));
    const body = sequence(
      context(0, integer(Buffer.from([2])), true),
      integer(serial),
      algorithm,
      this.#name,
      sequence(generalizedTime(validity.notBefore ?? now - DAY_MS), generalizedTime(validity.notAfter ?? now + 90 * DAY_MS)),
      subject,
      publicKey.export({ type: "spki", format: "der" }),
      context(3, sequence(...extensions), true),
    );
    const signature = sign("sha256", body, this.#key);
    return { der: sequence(body, algorithm, bits(signature)), serialNumber: serial.toString("hex") };
  }
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(oid(OID.commonName), utf8(commonName))));
}

function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash("sha1")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest();
}

function extension(type: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octets(value));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
