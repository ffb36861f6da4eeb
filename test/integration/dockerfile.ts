/** One line of a Dockerfile, continuation lines joined, variables filled in. */
export interface Instruction {
  readonly keyword: string;
  readonly argument: string;
}

export interface Stage {
  /** After AS, or its number. */
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/**
 * The stages of a Dockerfile, as far as ours uses the language: ARG, ENV and their `${NAME}` and `$NAME`; no heredocs, no other escape
 * character, no `ONBUILD`.
 *
 * @throws Error when a variable is neither declared nor given.
 */
export function parseDockerfile(text: string, buildArgs: Readonly<Record<string, string>> = {}): readonly Stage[] {
  const global = new Map<string, string>();
  let local = new Map<string, string>();
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const { keyword, argument: raw } of linesOf(text)) {
    const stage = stages.at(-1);
    const argument = keyword === "RUN" ? raw : substitute(raw, stage === undefined || keyword === "FROM" ? global : local);
    if (keyword === "FROM") {
      const [base = "", , name = String(stages.length)] = argument.split(/\s+/);
      stages.push({ name, base, instructions: [] });
      local = new Map();
    } else if (keyword === "ARG") {
      const [name = "", preset] = argument.split(/=(.*)/s);
      const value = buildArgs[name] ?? preset ?? global.get(name);
      (stage === undefined ? global : local).set(name, value ?? "");
    } else {
      for (const [name, value] of keyword === "ENV" ? pairs(argument) : []) {
        local.set(name, value);
      }
      stage?.instructions.push({ keyword, argument });
    }
  }
  return stages;
}

/** The `name=value` pairs of ENV and LABEL. */
export function pairs(argument: string): readonly (readonly [string, string])[] {
  return [...argument.matchAll(/(?<name>[\w.-]+)=(?:"(?<quoted>[^"]*)"|(?<bare>\S*))/g)].map(({ groups }) => [
    groups?.name ?? "",
    groups?.quoted ?? groups?.bare ?? "",
  ]);
}

function linesOf(text: string): Instruction[] {
  const code = text.replaceAll(/^\s*#.*\n/gm, "").replaceAll(/\\\n/g, " ");
  const lines = code.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [, keyword = "", argument = ""] = /^\s*(\S+)\s+(.*?)\s*$/s.exec(line) ?? [];
    return { keyword: keyword.toUpperCase(), argument: argument.replaceAll(/\s{2,}/g, " ") };
  });
}

function substitute(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:\{(?<braced>\w+)\}|(?<bare>\w+))/g,
    (match, braced: string | undefined, bare: string | undefined) => {
      const value = variables.get(braced ?? bare ?? "");
      if (value === undefined) {
        throw new Error(`${match} is not declared where the Dockerfile uses it`);
      }
      return value;
    },
  );
}
