import { describe, expect, test } from "vitest";
import { type Config, parseConfig, USAGE } from "./config.ts";

function config(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Config {
  const parsed = parseConfig(args, environment);
  if (parsed.kind !== "config") expect.fail(`not a configuration: ${JSON.stringify(parsed)}`);
  return parsed.config;
}

test("without flags and environment there are the documented defaults", () => {
  expect(config([])).toEqual({
    namespace: "custom-domain-operator",
    healthAddress: ":8081",
    logLevel: "info",
    leaderElect: true,
    identity: expect.stringMatching(/^.+_[0-9a-f]{8}$/),
    workers: 32,
    deniedCIDRs: [],
  });
  expect(config([]).identity).not.toBe(config([]).identity);
});

const ENVIRONMENT = {
  POD_NAMESPACE: "from-environment",
  POD_NAME: "pod-0",
  LOG_LEVEL: "warn",
  DENIED_CIDRS: "10.0.0.0/8, fd00::/8,",
};

test("the environment comes before the defaults, flags before the environment", () => {
  expect(config([], ENVIRONMENT)).toMatchObject({
    namespace: "from-environment",
    identity: "pod-0",
    logLevel: "warn",
    deniedCIDRs: ["10.0.0.0/8", "fd00::/8"],
  });
  const flags = [
    "--namespace=mine",
    "--identity",
    "me",
    "--log-level",
    "debug",
    "--denied-cidrs",
    "192.0.2.0/24",
    "--workers",
    "64",
  ];
  expect(config([...flags, "--health-address", "127.0.0.1:0", "--no-leader-elect"], ENVIRONMENT)).toEqual({
    namespace: "mine",
    healthAddress: "127.0.0.1:0",
    logLevel: "debug",
    leaderElect: false,
    identity: "me",
    workers: 64,
    deniedCIDRs: ["192.0.2.0/24"],
  });
});

describe("a wrong value is told by its flag and what it must be", () => {
  test.each([
    [["--namespace", "Not_A_Namespace"], "--namespace: must be the name of a namespace"],
    [["--health-address", "8081"], "--health-address: must be host:port or :port, for example :8081"],
    [["--health-address", ":99999"], "--health-address: must be host:port or :port, for example :8081"],
    [["--log-level", "loud"], "--log-level: must be trace, debug, info, warn or error"],
    [["--workers", "0"], "--workers: must be a whole number from 1 to 512"],
    [["--workers", "513"], "--workers: must be a whole number from 1 to 512"],
    [["--workers", "2.5"], "--workers: must be a whole number from 1 to 512"],
    [["--workers", "many"], "--workers: must be a whole number from 1 to 512"],
    [["--workers", ""], "--workers: must be a whole number from 1 to 512"],
    [["--identity", ""], "--identity: must have 1 to 253 characters"],
    [["--identity", "x".repeat(254)], "--identity: must have 1 to 253 characters"],
    [
      ["--denied-cidrs", "10.0.0.0/8,10.0.0.0/33"],
      "--denied-cidrs: must be comma-separated address blocks, for example 10.0.0.0/8,fd00::/8",
    ],
    [["--denied-cidrs", "cluster"], "--denied-cidrs: must be comma-separated address blocks, for example 10.0.0.0/8,fd00::/8"],
  ])("%j", (args, message) => {
    expect(parseConfig(args, {})).toEqual({ kind: "invalid", message });
  });

  test("also when it came from the environment", () => {
    expect(parseConfig([], { LOG_LEVEL: "loud" })).toMatchObject({ message: expect.stringContaining("--log-level: must be") });
    expect(parseConfig([], { POD_NAMESPACE: "" })).toMatchObject({ message: "--namespace: must be the name of a namespace" });
  });

  test.each([[["--unknown"]], [["--workers"]], [["stray"]], [["--no-workers"]]])("%j is no flag", (args: string[]) => {
    expect(parseConfig(args, {})).toMatchObject({
      kind: "invalid",
      message: expect.stringContaining(args[0]?.replace("--no-", "") ?? ""),
    });
  });
});

test("--help wins over everything, and tells of every flag", () => {
  expect(parseConfig(["--help", "--workers", "0"], {})).toEqual({ kind: "help" });
  for (const flag of ["namespace", "health-address", "log-level", "no-leader-elect", "identity", "workers", "denied-cidrs"]) {
    expect(USAGE).toContain(`--${flag}`);
  }
});
