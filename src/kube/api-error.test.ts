import { describe, expect, test } from "vitest";
import {
  ApiError,
  isAlreadyExists,
  isConflict,
  isExpired,
  isNotFound,
  isObjectGone,
  isStale,
  NoAnswerError,
} from "./api-error.ts";

const error = (code: number, reason: string, details?: object): ApiError =>
  new ApiError("PUT /apis/probe.test/v1/probes/a", code, {
    reason,
    message: "because",
    ...(details === undefined ? {} : { details }),
  });

test("two kinds of 409 are told apart: an old copy, and a name that is taken", () => {
  expect([isConflict(error(409, "Conflict")), isAlreadyExists(error(409, "Conflict"))]).toEqual([true, false]);
  expect([isConflict(error(409, "AlreadyExists")), isAlreadyExists(error(409, "AlreadyExists"))]).toEqual([false, true]);
  expect(isConflict(error(500, "Conflict"))).toBe(false);
});

describe("a 404", () => {
  const ofObject = error(404, "NotFound", { name: "a", group: "probe.test", kind: "probes" });

  test("says that the object is gone only when it names that object", () => {
    expect(isObjectGone(ofObject, "probes", "a")).toBe(true);
    expect(isObjectGone(ofObject, "probes", "b")).toBe(false);
    expect(isObjectGone(ofObject, "others", "a")).toBe(false);
    expect(isObjectGone(error(404, "NotFound", {}), "probes", "a")).toBe(false);
    expect(isObjectGone(error(404, ""), "probes", "a")).toBe(false);
    expect(isObjectGone(error(410, "Gone", { name: "a", kind: "probes" }), "probes", "a")).toBe(false);
  });

  test("of a kind that is not served is not found, but no news of an object", () => {
    expect(isNotFound(error(404, ""))).toBe(true);
    expect(isStale(error(404, ""))).toBe(false);
    expect(isStale(ofObject)).toBe(true);
  });
});

test("an expired version is told by its status or, inside a stream, by its reason", () => {
  expect([error(410, "Expired"), error(410, ""), error(500, "Expired"), error(500, "Gone")].map(isExpired)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(isExpired(error(404, "NotFound"))).toBe(false);
});

test("anything but an ApiError is none of these", () => {
  const others: unknown[] = [
    new NoAnswerError("GET /", new Error("reset")),
    new Error("410"),
    undefined,
    "Conflict",
    { status: 404 },
  ];
  for (const other of others) {
    expect([isConflict, isAlreadyExists, isNotFound, isExpired, isStale].some((is) => is(other))).toBe(false);
    expect(isObjectGone(other, "probes", "a")).toBe(false);
  }
});

test("its message says what was asked and why it was refused", () => {
  expect(error(409, "Conflict").message).toBe("PUT /apis/probe.test/v1/probes/a: 409 Conflict because");
  expect(new ApiError("GET /", 502, {}).message).toBe("GET /: 502");
});
