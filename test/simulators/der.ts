/** The few ASN.1 DER encodings an X.509 certificate needs (ITU-T X.690). Each returns tag, length and content. */

export function sequence(...parts: readonly Buffer[]): Buffer {
  return encode(0x30, Buffer.concat(parts));
}

export function set(...parts: readonly Buffer[]): Buffer {
  return encode(0x31, Buffer.concat(parts));
}

/** `magnitude`: big-endian and unsigned; the sign byte is added where it is needed. */
export function integer(magnitude: Buffer): Buffer {
  const sign = (magnitude[0] ?? 0) >= 0x80 ? [0] : [];
  return encode(0x02, Buffer.concat([Buffer.from(sign), magnitude]));
}

export function boolean(value: boolean): Buffer {
  return encode(0x01, Buffer.from([value ? 0xff : 0]));
}

export function octets(content: Buffer): Buffer {
  return encode(0x04, content);
}

/** `unused`: how many low bits of the last byte do not count. */
export function bits(content: Buffer, unused = 0): Buffer {
  return encode(0x03, Buffer.concat([Buffer.from([unused]), content]));
}

export function utf8(text: string): Buffer {
  return encode(0x0c, Buffer.from(text, "utf8"));
}

/** GeneralizedTime to the second; `time` in Unix milliseconds. */
export function generalizedTime(time: number): Buffer {
  return encode(0x18, Buffer.from(`${new Date(time).toISOString().replaceAll(/[-:T]|\.\d+Z/g, "")}Z`));
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return encode(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** Context-specific tag; `constructed` when the content is itself DER (explicit tagging). */
export function context(tag: number, content: Buffer, constructed: boolean): Buffer {
  return encode((constructed ? 0xa0 : 0x80) + tag, content);
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80);
  return bytes;
}

function encode(tag: number, content: Buffer): Buffer {
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
