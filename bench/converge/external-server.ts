/**
 * The external system: answers after 20 ms and counts the calls for each Widget. A process of its own, so that the answers do not wait
 * for what the driver does.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const ANSWER_MS = 20;
const PATH = "/call/";

type Report = readonly (readonly [key: string, calls: number])[];

/** The driver's end of it. */
export class ExternalServer implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;

  static async start(): Promise<ExternalServer> {
    const child = fork(import.meta.filename, { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const [port] = (await once(child, "message")) as [number];
    return new ExternalServer(child, port);
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}${PATH.slice(0, -1)}`;
  }

  /** How often each Widget, by `<namespace>/<name>`, was asked for so far. */
  async calls(): Promise<ReadonlyMap<string, number>> {
    const answer = once(this.#child, "message");
    this.#child.send("report");
    const [report] = (await answer) as [Report];
    return new Map(report);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}

function serve(): void {
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = request.url?.startsWith(PATH) ? request.url.slice(PATH.length) : `unexpected ${request.url}`;
    calls.set(key, (calls.get(key) ?? 0) + 1);
    setTimeout(() => response.writeHead(200).end(), ANSWER_MS);
  });
  // No client finds that a connection which it keeps was closed under it.
  server.keepAliveTimeout = 600_000;
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
  process.on("message", () => process.send?.([...calls] satisfies Report));
  process.once("disconnect", () => process.exit());
}

if (import.meta.main) serve();
