import { Agent } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { Exchange } from "./exchange.ts";
import { type Answer, ScriptedServer } from "./scripted-server.testing.ts";

const closing: (() => Promise<unknown>)[] = [];
const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => {
  rejections.push(reason);
};
process.on("unhandledRejection", onRejection);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function exchange(answer: Answer, connections = 1) {
  const server = await ScriptedServer.start(answer);
  const agent = new Agent({ connections, pipelining: 1 });
  closing.push(
    () => server[Symbol.asyncDispose](),
    () => agent.destroy(),
  );
  return (): Exchange => {
    const made = new Exchange();
    agent.dispatch({ origin: server.url.origin, path: "/", method: "GET" }, made);
    return made;
  };
}

test("brings status, headers and the whole body, in however many pieces it comes and wherever a character is cut", async () => {
  const text = "ü".repeat(5_000);
  const bytes = Buffer.from(text);
  const send = await exchange((_, response) => {
    response.writeHead(418, { "retry-after": "7" });
    response.write(bytes.subarray(0, 4_001));
    setImmediate(() => response.end(bytes.subarray(4_001)));
  });
  expect(await send().answer).toMatchObject({ statusCode: 418, headers: { "retry-after": "7" }, text });
});

test("of an empty answer has an empty text", async () => {
  const send = await exchange((_, response) => response.writeHead(204).end());
  expect((await send().answer).text).toBe("");
});

test("rejects when the connection breaks before, within or instead of an answer", async () => {
  const faults: readonly Answer[] = [
    (_, _response, socket) => socket.resetAndDestroy(),
    (_, response, socket) => response.writeHead(200, { "content-length": "100" }).write("half", () => socket.destroy()),
    (_, _response, socket) => socket.end("no HTTP at all\r\n\r\n"),
  ];
  for (const fault of faults) {
    const send = await exchange(fault);
    await expect(send().answer).rejects.toThrow();
  }
});

describe("abort", () => {
  test("rejects at once with the reason, also while the request waits for a connection, and never twice", async () => {
    let asked = 0;
    const send = await exchange((_, response) => {
      asked += 1;
      if (asked === 1) return;
      response.end("late");
    });
    const [first, waiting] = [send(), send()];
    await waitUntil("the first to be sent", () => asked === 1, { timeoutMs: 5_000, intervalMs: 5 });
    const reason = new Error("no time left");
    waiting.abort(reason);
    waiting.abort(new Error("another"));
    await expect(waiting.answer).rejects.toBe(reason);
    first.abort(reason);
    await expect(first.answer).rejects.toBe(reason);
    expect((await send().answer).text).toBe("late");
    // The one that waited was never sent.
    expect(asked).toBe(2);
  });

  test("before anybody waits for the answer is no unhandled rejection; after the end it is nothing", async () => {
    const unsent = new Exchange();
    unsent.abort(new Error("nobody waits"));
    const send = await exchange((_, response) => response.end("done"));
    const ended = send();
    expect((await ended.answer).text).toBe("done");
    ended.abort(new Error("too late"));
    expect((await ended.answer).text).toBe("done");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(rejections).toEqual([]);
  });
});
