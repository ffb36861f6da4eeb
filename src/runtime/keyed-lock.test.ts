import { expect, test } from "vitest";
import { KeyedLock } from "./keyed-lock.ts";

test("a key has one holder at a time, and keys do not know of each other", () => {
  const lock = new KeyedLock();
  const release = lock.tryAcquire("acme.com");
  expect(release).toBeDefined();
  expect(lock.tryAcquire("acme.com")).toBeUndefined();
  expect(lock.tryAcquire("other.com")).toBeDefined();
  release?.();
  expect(lock.tryAcquire("acme.com")).toBeDefined();
});

test("releasing a second time does not take the lock from its next holder", () => {
  const lock = new KeyedLock();
  const release = lock.tryAcquire("acme.com");
  release?.();
  lock.tryAcquire("acme.com");
  release?.();
  expect(lock.tryAcquire("acme.com")).toBeUndefined();
});
