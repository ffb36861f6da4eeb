/**
 * `node test/control-plane/main.ts` runs a control plane until Ctrl-C; with `--build-only` it only obtains the binaries.
 * Standard output has only what a shell may evaluate.
 */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { ensureBinaries } from "./binaries.ts";
import { startControlPlane } from "./control-plane.ts";

const { values } = parseArgs({
  options: { "build-only": { type: "boolean", default: false }, keep: { type: "boolean", default: false } },
});
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => interrupted.abort());
}
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

try {
  await run();
} catch (error) {
  if (!interrupted.signal.aborted) {
    throw error;
  }
  process.exitCode = 130;
}

async function run(): Promise<void> {
  const binaries = await ensureBinaries({ onProgress: say, signal: interrupted.signal });
  if (values["build-only"]) {
    say(`The binaries are in place: ${binaries.kubeApiserver} and its neighbours.`);
    return;
  }
  await using controlPlane = await startControlPlane({ binaries, keep: values.keep, signal: interrupted.signal });
  process.stdout.write(`export KUBECONFIG=${controlPlane.kubeconfig}\n`);
  say(`Kubernetes is ready at ${controlPlane.server}; logs and the audit log are in ${controlPlane.dir}.`);
  say(`Use it with that KUBECONFIG, for example: ${controlPlane.kubectl} get namespaces`);
  say("Press Ctrl-C to stop it and delete everything it stored.");
  await untilAborted(interrupted.signal);
}

/** A pending promise does not keep Node.js alive; a timer does. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  const alive = setInterval(() => {}, 60_000);
  if (!signal.aborted) {
    await once(signal, "abort");
  }
  clearInterval(alive);
}
