import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ephemeral ranges of Linux (32768) and macOS (49152): while an API server is being restarted, no outgoing connection may
 * take its port, nor connect to itself, which a client that retries a dead ephemeral port eventually does.
 */
const LOWEST = 12_000;
const HIGHEST = 30_000;

/** Another process may still take the port before its user does, so whoever starts a server on it has to be able to try again. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) {
      return port;
    }
  }
  throw new Error(`no free loopback port found between ${LOWEST} and ${HIGHEST}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
