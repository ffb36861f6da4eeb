import { describe, expect, test } from "vitest";
import { z } from "zod";
import { list, object, text, time } from "../../src/api/v1/schema.ts";
import { structuralSchema } from "./structural.ts";

const word = text("A word.", { max: 8 });

describe("a structural schema", () => {
  test("keeps bounds, defaults and extensions, and requires what has no default", () => {
    const schema = object("A group.", {
      word,
      words: list("Words.", word, { max: 2, type: "set" }).default([]),
      at: time("A time.").optional(),
    });
    expect(structuralSchema(schema)).toEqual({
      description: "A group.",
      type: "object",
      required: ["word"],
      properties: {
        word: { description: "A word.", type: "string", minLength: 1, maxLength: 8 },
        words: {
          description: "Words.",
          type: "array",
          default: [],
          maxItems: 2,
          "x-kubernetes-list-type": "set",
          items: { description: "A word.", type: "string", minLength: 1, maxLength: 8 },
        },
        at: { description: "A time.", type: "string", format: "date-time" },
      },
    });
  });

  test("repeats the defaults of members in the default of their object", () => {
    const inner = object("Inner.", { a: word.default("x"), b: word.optional() });
    const schema = object("Outer.", { inner: inner.prefault({ b: "y" }) });
    expect(structuralSchema(schema).properties?.inner?.default).toEqual({ a: "x", b: "y" });
  });

  test.each([
    ["an unbounded string", z.string().meta({ description: "A string." }), /\.member: must have maxLength/],
    ["an unbounded list", z.array(word).meta({ description: "A list." }), /\.member: must have maxItems/],
    [
      "a list without list type",
      z.array(word).max(2).meta({ description: "A list." }),
      /\.member: must have x-kubernetes-list-type/,
    ],
    ["an unbounded map", z.record(z.string(), word).meta({ description: "A map." }), /\.member: must have maxProperties/],
    ["an unbounded integer", z.int().meta({ description: "A number." }), /\.member: must have minimum/],
    ["a member without description", z.boolean(), /\.member: must have a description/],
    ["a fraction", z.number().min(0).max(1).meta({ description: "A share." }), /\.member: type number/],
    ["a union", z.union([word, z.boolean()]).meta({ description: "Either." }), /\.member: a CRD has no anyOf/],
    ["a value that may be null", word.nullable(), /\.member: a CRD has no nullable/],
  ])("refuses %s", (_, member, message) => {
    expect(() => structuralSchema(object("A group.", { member }))).toThrow(message);
  });
});
