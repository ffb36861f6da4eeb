import { defineConfig } from "vitest/config";

/** Runs after all other tests, over the evidence that they left behind. */
export default defineConfig({
  test: {
    include: ["test/verdict/**/*.test.ts"],
    expect: { requireAssertions: true },
    testTimeout: 60_000,
    reporters: ["default"],
  },
});
