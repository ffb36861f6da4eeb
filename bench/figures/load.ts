import { cpuSeconds } from "./process-usage.ts";

export interface Load {
  /** Calls a second. */
  readonly rate: number;
  /** Milliseconds of CPU for each call: of this process, and of the API server. */
  readonly clientMs: number;
  readonly serverMs: number;
}

/** Makes `count` calls, `callers` at once, and measures them. The call is told which caller makes it. */
export async function measureLoad(options: {
  readonly count: number;
  readonly callers: number;
  readonly apiServerPid: number;
  readonly call: (caller: number) => Promise<unknown>;
}): Promise<Load> {
  const { count, callers, apiServerPid, call } = options;
  const server = await cpuSeconds(apiServerPid);
  const client = process.cpuUsage();
  const started = performance.now();
  let next = 0;
  const work = async (caller: number): Promise<void> => {
    while (next++ < count) await call(caller);
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(client);
  return {
    rate: count / seconds,
    clientMs: (user + system) / 1_000 / count,
    serverMs: ((await cpuSeconds(apiServerPid)) - server) * (1_000 / count),
  };
}
