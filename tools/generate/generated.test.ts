import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { generatedFiles } from "./files.ts";

const root = join(import.meta.dirname, "..", "..");
const files = [...generatedFiles()];

test.each(files)("%s is what the schemas say; otherwise run node tools/generate/main.ts", async (path, content) => {
  expect(await readFile(join(root, path), "utf8")).toBe(content);
});

test("the CRDs mean the same in YAML 1.1, which kubectl reads, and in YAML 1.2", () => {
  const all = new Map(files).get("config/crd/crds.yaml") ?? "";
  const read = (version: "1.1" | "1.2") => parseAllDocuments(all, { version }).map((document) => document.toJS());
  expect(read("1.1")).toEqual(read("1.2"));
  expect(read("1.1")).toHaveLength(5);
});
