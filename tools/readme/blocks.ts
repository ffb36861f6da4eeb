/** Outputs that the README shows, each between two comments that name it. */
export type BlockName = "demo" | "test";

const FENCE = "```";

function startOf(name: BlockName): string {
  return `<!-- output of \`make ${name}\`, written by \`make readme\` -->`;
}
const END = "<!-- end of output -->";

/** The README with other content in one block. @throws Error when it does not have the block once. */
export function withBlock(readme: string, name: BlockName, content: string): string {
  const { from, to } = boundsOf(readme, name);
  return `${readme.slice(0, from)}\n${FENCE}\n${content.trimEnd()}\n${FENCE}\n${readme.slice(to)}`;
}

/** What stands in a block. @throws Error as above. */
export function blockOf(readme: string, name: BlockName): string {
  const { from, to } = boundsOf(readme, name);
  const lines = readme.slice(from, to).trim().split("\n");
  if (lines.at(0) !== FENCE || lines.at(-1) !== FENCE) throw new Error(`the block of make ${name} is no block of code`);
  return lines.slice(1, -1).join("\n");
}

function boundsOf(readme: string, name: BlockName): { readonly from: number; readonly to: number } {
  const start = startOf(name);
  const [before, after, ...more] = readme.split(start);
  if (before === undefined || after === undefined || more.length > 0) throw new Error(`the README must have once: ${start}`);
  const length = after.indexOf(END);
  if (length < 0) throw new Error(`the README must have after ${start}: ${END}`);
  const from = before.length + start.length;
  return { from, to: from + length };
}
