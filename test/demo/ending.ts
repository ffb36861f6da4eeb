import { isAlive } from "../control-plane/lock-file.ts";
import type { Narrator } from "./narrator.ts";
import type { Processes } from "./processes.ts";

/** Ends everything, whatever comes of it, and says what the system then says. Resolves to whether all went well and nothing is left. */
export async function endAll(stack: AsyncDisposableStack, processes: Processes, narrator: Narrator): Promise<boolean> {
  const ran = processes.running();
  const problems = await stack.disposeAsync().then(() => [], messagesOf);
  const left = ran.filter(({ pid }) => isAlive(pid));
  if (problems.length > 0) narrator.failure(`Not everything could be ended: ${problems.join("; ")}.`);
  for (const { name, pid } of left) narrator.failure(`${name} still runs, process ${pid}.`);
  if (problems.length > 0 || left.length > 0) return false;
  const names = ran.map(({ name }) => name).join(", ");
  narrator.line(ran.length === 0 ? "No process was started." : `Everything that was started is stopped: ${names}.`);
  return true;
}

/** In the order in which they happened; a stack goes on after a failure, and nests them. */
function messagesOf(error: unknown): string[] {
  if (error instanceof SuppressedError) return [...messagesOf(error.suppressed), ...messagesOf(error.error)];
  return [error instanceof Error ? error.message : String(error)];
}
