/** One entry of `x-kubernetes-validations`: a CEL expression that must hold, and what the user is told when it does not. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  /** A CEL expression for the text; {@link message} is what is shown should it fail. */
  readonly messageExpression?: string;
  /** What the rule consists of, for the reference pages; no part of the CRD. */
  readonly tests?: readonly Test[];
}

/** The first test that a value fails decides the one sentence that the user reads. */
export interface Test {
  /** CEL, true when the value passes. */
  readonly holds: string;
  readonly message: string;
}

export function rule(expression: string, message: string): Rule {
  return { rule: expression, message };
}

/**
 * One rule out of several tests. Separate rules would each report, and one mistake (`https://acme.com`) trips many of them;
 * here only the first failing test speaks.
 */
export function firstFailure(summary: string, tests: readonly Test[]): Rule {
  const sentence = tests.reduceRight((rest, { holds, message }) => `!(${holds}) ? ${quote(message)} : ${rest}`, quote(summary));
  return { rule: tests.map(({ holds }) => `(${holds})`).join(" && "), message: summary, messageExpression: sentence, tests };
}

export function immutable(instead: string): Rule {
  return rule("self == oldSelf", `must not change: ${instead}`);
}

/** CEL shares JSON's escapes. */
export function quote(literal: string): string {
  return JSON.stringify(literal);
}

export function ruled(rules: readonly Rule[]): { readonly "x-kubernetes-validations"?: readonly Rule[] } {
  return rules.length === 0 ? {} : { "x-kubernetes-validations": rules };
}
