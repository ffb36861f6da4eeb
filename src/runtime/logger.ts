import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";

export type Logger = PinoLogger;

/** Whatever somebody logs by mistake under these names never reaches the output. */
const REDACTED = [
  "authorization",
  "token",
  "apiToken",
  "apiKey",
  "password",
  "secret",
  "signingKey",
  "headers",
  "*.authorization",
  "*.token",
  "*.apiToken",
  "*.apiKey",
  "*.password",
  "*.secret",
  "*.signingKey",
  "*.headers",
];

/** One JSON line per fact on standard output; errors as {type, message, stack} without own properties, which may hold remote data. */
export function createLogger(options: { readonly level: string; readonly destination?: DestinationStream }): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      messageKey: "message",
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: "[redacted]" },
      serializers: { error: errorFields, err: errorFields },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const cause = error.cause instanceof Error ? { cause: `${error.cause.name}: ${error.cause.message}` } : {};
  return { type: error.name, message: error.message, ...cause, stack: error.stack };
}
