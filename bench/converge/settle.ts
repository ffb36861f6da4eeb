import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { cpuOf } from "./process-meter.ts";

const WINDOW_MS = 500;
/** Cores. An idle control plane uses about 0.05. */
const QUIET = 0.2;
const DEADLINE_MS = 180_000;

/** Waits until the control plane has done what the last step left it to do, so that no run pays for the one before. */
export async function settle(pids: readonly number[]): Promise<void> {
  let before = await cpuOf(pids);
  const isQuiet = async (): Promise<boolean> => {
    const now = await cpuOf(pids);
    const cores = (now - before) / (WINDOW_MS / 1_000);
    before = now;
    return cores < QUIET;
  };
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
  await waitUntil("the control plane to become quiet", isQuiet, { timeoutMs: DEADLINE_MS, intervalMs: WINDOW_MS });
}
