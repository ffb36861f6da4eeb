import { describe, expect, test } from "vitest";
import { columns, Narrator } from "./narrator.ts";

function told(colours: boolean, tell: (narrator: Narrator) => void): string {
  let text = "";
  tell(
    new Narrator(
      (part) => {
        text += part;
      },
      { colours },
    ),
  );
  return text;
}

describe("the narrator", () => {
  test("aligns columns and leaves no space at the end of a line", () => {
    expect(
      columns([
        ["TYPE", "NAME", "VALUE"],
        ["TXT", "_challenge.acme.com", "x"],
        ["CNAME", "acme.com"],
      ]),
    ).toEqual(["TYPE   NAME                 VALUE", "TXT    _challenge.acme.com  x", "CNAME  acme.com"]);
  });

  test("writes plain text unless a person looks at a terminal", () => {
    const tell = (narrator: Narrator) => {
      narrator.heading("1. A step");
      narrator.command("kubectl get cdom");
      narrator.output("NAME   AGE  \nshop   1s\n");
      narrator.success("done");
    };
    expect(told(false, tell)).toBe("\n1. A step\n   $ kubectl get cdom\n     NAME   AGE\n     shop   1s\n   ✓ done\n");
    expect(told(true, tell)).toContain("\u001b[1m1. A step\u001b[0m\n");
  });
});
