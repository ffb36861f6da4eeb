import { parseConfig, USAGE } from "./config.ts";
import { KubeConfigSource } from "./kube/credentials.ts";
import { runOperator } from "./operator.ts";
import { systemClock } from "./runtime/clock.ts";
import { createLogger } from "./runtime/logger.ts";
import { VERSION } from "./version.ts";

const USAGE_ERROR = 2;

async function main(args: readonly string[]): Promise<number> {
  const [command, ...flags] = args;
  if (command === undefined || command === "--help" || command === "help") {
    process.stdout.write(USAGE);
    return command === undefined ? USAGE_ERROR : 0;
  }
  if (command === "--version" || command === "version") {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  if (command !== "operator") {
    process.stderr.write(`unknown command ${command}\n\n${USAGE}`);
    return USAGE_ERROR;
  }
  const parsed = parseConfig(flags, process.env);
  if (parsed.kind === "help") {
    process.stdout.write(USAGE);
    return 0;
  }
  if (parsed.kind === "invalid") {
    process.stderr.write(`${parsed.message}\nSee --help.\n`);
    return USAGE_ERROR;
  }
  const logger = createLogger({ level: parsed.config.logLevel });
  const stop = new AbortController();
  // A second signal ends the process at once, as people expect.
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort(new Error(`received ${name}`)));
  try {
    await runOperator(
      parsed.config,
      { clock: systemClock, logger, credentials: new KubeConfigSource(), version: VERSION },
      stop.signal,
    );
    return 0;
  } catch (error) {
    logger.fatal({ err: error }, "the operator ended");
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
