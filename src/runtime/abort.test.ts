import { describe, expect, it } from "vitest";
import { orAborted } from "./abort.ts";

describe("work that may be aborted", () => {
  it("ends with the signal, also when the work never ends and when it was aborted before", async () => {
    const controller = new AbortController();
    const never = orAborted(new Promise(() => {}), controller.signal);
    controller.abort(new Error("enough"));
    await expect(never).rejects.toThrow("enough");
    await expect(orAborted(new Promise(() => {}), controller.signal)).rejects.toThrow("enough");
  });

  it("ends with the work, and a failure after the abort is nobody's unhandled rejection", async () => {
    const controller = new AbortController();
    await expect(orAborted(Promise.resolve(7), controller.signal)).resolves.toBe(7);
    let fail: (error: Error) => void = () => {};
    const late = orAborted(new Promise((_, reject) => (fail = reject)), controller.signal);
    controller.abort(new Error("enough"));
    await expect(late).rejects.toThrow("enough");
    fail(new Error("too late"));
    await new Promise((resolve) => setImmediate(resolve));
  });
});
