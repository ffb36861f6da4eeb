import { KubeConfigSource } from "../../src/kube/credentials.ts";
import { createLogger } from "../../src/runtime/logger.ts";
import { runStack } from "./stack.ts";

/** An environment variable of the benchmark. @throws Error when it is not set. */
function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

async function main(): Promise<number> {
  const logger = createLogger({ level: process.env.LOG_LEVEL ?? "info" });
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort(new Error(`received ${name}`)));
  const config = {
    namespace: required("BENCH_NAMESPACE"),
    externalUrl: required("BENCH_EXTERNAL_URL"),
    workers: Number(process.env.BENCH_WORKERS ?? 64),
    connections: Number(process.env.BENCH_CONNECTIONS ?? 64),
    identity: process.env.BENCH_IDENTITY ?? `ours-${process.pid}`,
    healthAddress: process.env.BENCH_HEALTH_ADDRESS ?? "127.0.0.1:0",
  };
  const dependencies = {
    credentials: new KubeConfigSource(),
    logger,
    // For measurements of a resync, which otherwise comes every ten hours.
    onStart: (resync: () => void) => void process.on("SIGUSR2", resync),
  };
  try {
    await runStack(config, dependencies, stop.signal);
    return 0;
  } catch (error) {
    logger.fatal({ err: error }, "the stack ended");
    return 1;
  }
}

process.exitCode = await main();
