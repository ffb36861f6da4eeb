import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ChargebeeError } from "./errors.ts";
import { json, SUBSCRIPTION, UPDATE, WireServer } from "./wire-server.fixture.ts";

const SIGNAL = AbortSignal.timeout(30_000);

let wire: WireServer;
beforeEach(async () => {
  wire = await WireServer.start();
});
afterEach(() => wire.close());

describe("answers", () => {
  test("errors are Errors, and nothing is tried twice", async () => {
    wire.answer = (_, response) =>
      json(response, 503, { message: "x", type: "operation_failed", api_error_code: "internal_temporary_error" });
    const error = await wire
      .client()
      .updateItemQuantity(UPDATE, SIGNAL)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ChargebeeError);
    expect(error).toMatchObject({ status: 503, code: "internal_temporary_error", ambiguous: true });
    expect(wire.received).toHaveLength(1);
  });

  test.each([
    ["HTML with status 200", "<html></html>"],
    ["half an answer", '{"subscription": {"id": "sub_A"'],
    ["a shape that cannot be decided on", '{"subscription": {"id": "sub_A"}}'],
  ])("%s is ambiguous", async (_, body) => {
    wire.answer = (_request, response) => void response.writeHead(200).end(body);
    await expect(wire.client().updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({
      class: "unavailable",
      ambiguous: true,
    });
  });

  test("only Chargebee's own 404 means that there is none", async () => {
    wire.answer = (_, response) => json(response, 404, { message: "x", api_error_code: "resource_not_found" });
    expect(await wire.client().subscription("sub_A", SIGNAL)).toBeUndefined();
    wire.answer = (_, response) => void response.writeHead(404).end("<html>");
    await expect(wire.client().subscription("sub_A", SIGNAL)).rejects.toMatchObject({ class: "unavailable" });
  });

  test("no answer in time, and an abort while waiting for it, are ambiguous; a closed socket too", async () => {
    wire.answer = () => {};
    await expect(wire.client({ timeoutMs: 50 }).updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({ ambiguous: true });
    const stop = new AbortController();
    wire.answer = () => stop.abort(new Error("stopping"));
    await expect(wire.client().updateItemQuantity(UPDATE, stop.signal)).rejects.toMatchObject({ ambiguous: true });
    wire.answer = (request) => void request.socket.destroy();
    await expect(wire.client().updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({ ambiguous: true });
  });

  test("unknown members and values pass", async () => {
    const item = { item_price_id: "p", item_type: "novelty", quantity: 2, object: "subscription_item", shiny: true };
    wire.answer = (_, response) =>
      json(response, 200, {
        subscription: { ...SUBSCRIPTION, status: "foo", subscription_items: [item], new: {} },
        customer: {},
      });
    expect(await wire.client().subscription("sub_A", SIGNAL)).toMatchObject({
      status: "foo",
      items: [{ type: "novelty", quantity: 2 }],
    });
  });

  test("429 pauses the whole site for a minute at least, and 401 the key, without another request", async () => {
    wire.answer = (_, response) => json(response, 429, { message: "x", api_error_code: "api_request_limit_exceeded" });
    const limited = wire.client();
    await expect(limited.subscription("sub_A", SIGNAL)).rejects.toMatchObject({ class: "rate-limited" });
    const paused = await limited.subscription("sub_B", SIGNAL).catch((error: unknown) => error);
    expect(paused).toMatchObject({ class: "paused", ambiguous: false });
    wire.answer = (_, response) => json(response, 401, { message: "x", api_error_code: "api_authentication_failed" });
    const refused = wire.client();
    await expect(refused.subscription("sub_A", SIGNAL)).rejects.toMatchObject({ class: "credentials" });
    await expect(refused.updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({ class: "credentials", status: 401 });
    expect(wire.received).toHaveLength(2);
  });
});
