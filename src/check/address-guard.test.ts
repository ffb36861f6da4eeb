import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalAddress } from "../core/ip-address.ts";
import { AddressGuard, isInBlocks } from "./address-guard.ts";

const guard = new AddressGuard({ allowedCIDRs: [], deniedCIDRs: ["203.0.114.0/24", "2a00:1::/32"] });

const DENIED = [
  ["loopback", "127.0.0.1"],
  ["loopback elsewhere", "127.255.0.9"],
  ["this network", "0.0.0.0"],
  ["private", "10.96.0.10"],
  ["private", "172.16.0.1"],
  ["private", "192.168.1.1"],
  ["carrier-grade NAT, Alibaba metadata", "100.100.100.200"],
  ["AWS, GCP and Azure metadata", "169.254.169.254"],
  ["ECS metadata", "169.254.170.2"],
  ["Azure wire server", "168.63.129.16"],
  ["Oracle metadata", "192.0.0.192"],
  ["documentation", "203.0.113.9"],
  ["benchmarking", "198.18.0.1"],
  ["multicast", "224.0.0.1"],
  ["broadcast", "255.255.255.255"],
  ["reserved", "240.0.0.1"],
  ["6to4 relay", "192.88.99.1"],
  ["unspecified", "::"],
  ["loopback", "::1"],
  ["mapped loopback", "::ffff:127.0.0.1"],
  ["mapped public", "::ffff:8.8.8.8"],
  ["mapped in hex", "::ffff:7f00:1"],
  ["compatible", "::127.0.0.1"],
  ["NAT64", "64:ff9b::7f00:1"],
  ["NAT64 of a public address", "64:ff9b::808:808"],
  ["local NAT64", "64:ff9b:1::1"],
  ["6to4", "2002:7f00:1::"],
  ["Teredo", "2001::1"],
  ["unique local", "fd00:ec2::254"],
  ["link local", "fe80::1"],
  ["site local", "fec0::1"],
  ["multicast", "ff02::1"],
  ["documentation", "2001:db8::1"],
  ["documentation", "3fff::1"],
  ["segment routing", "5f00::1"],
  ["never allocated", "4000::1"],
  ["the cluster's own", "203.0.114.7"],
  ["the cluster's own", "2a00:1::7"],
] as const;

const MALFORMED = [
  "127.1",
  "2130706433",
  "0x7f000001",
  "010.0.0.1",
  "1.2.3.4.5",
  "fe80::1%eth0",
  "8.8.8.8 ",
  "",
  "[::1]",
  "localhost",
  "8.8.8.8\n",
  "８.8.8.8",
] as const;

describe("AddressGuard", () => {
  test.each(DENIED)("refuses %s %s", (_, address) => {
    expect(guard.verdict(address)).toMatchObject({ allowed: false });
  });

  test.each(MALFORMED)("refuses %j, which is not strict notation", (address) => {
    expect(guard.verdict(address)).toEqual({ allowed: false, message: "not an IP address" });
  });

  test.each(["8.8.8.8", "104.16.0.1", "203.0.115.1", "2606:4700::1", "2a00:2::7"])("lets %s pass", (address) => {
    expect(guard.verdict(address)).toEqual({ allowed: true, address });
  });

  test("an override lifts the refusal of just its block", () => {
    const opened = new AddressGuard({ allowedCIDRs: ["127.0.0.8/29", "fd00::/64"], deniedCIDRs: ["127.0.0.0/8"] });
    expect(opened.verdict("127.0.0.10")).toMatchObject({ allowed: true });
    expect(opened.verdict("fd00::5")).toMatchObject({ allowed: true });
    expect(opened.verdict("127.0.0.1")).toMatchObject({ allowed: false });
    expect(opened.verdict("169.254.169.254")).toMatchObject({ allowed: false });
  });

  test("an override of IPv4 does not open the mapped IPv6 form", () => {
    const opened = new AddressGuard({ allowedCIDRs: ["0.0.0.0/0"], deniedCIDRs: [] });
    expect(opened.verdict("127.0.0.1")).toMatchObject({ allowed: true });
    expect(opened.verdict("::ffff:127.0.0.1")).toMatchObject({ allowed: false });
    expect(opened.verdict("::1")).toMatchObject({ allowed: false });
  });

  test.each(["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8", "::/129", "acme.com/8", "10.0.0.0/"])(
    "a block %j is refused at once",
    (cidr) => {
      expect(() => new AddressGuard({ allowedCIDRs: [cidr], deniedCIDRs: [] })).toThrow(RangeError);
    },
  );

  test("every address in a private block is refused, in every spelling", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.constantFrom("", "::ffff:", "::", "64:ff9b::"), (address, prefix) => {
        const inside = address.replace(/^\d+/, "10");
        expect(guard.verdict(`${prefix}${inside}`)).toMatchObject({ allowed: false });
      }),
    );
  });
});

test("canonical spelling", () => {
  expect(canonicalAddress("2001:0DB8:0:0::1")).toBe("2001:db8::1");
  expect(canonicalAddress("127.1")).toBeUndefined();
});

test("membership in blocks", () => {
  expect(isInBlocks("104.16.3.4", ["104.16.0.0/13"])).toBe(true);
  expect(isInBlocks("104.32.0.1", ["104.16.0.0/13", "2606:4700::/32"])).toBe(false);
});
