const INDENT = "   ";
const GAP = "  ";
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 } as const;

type Style = keyof typeof STYLES;
export type Row = readonly string[];

/** Where the story is written: plain lines, with colours only where a person looks at them. */
export class Narrator {
  readonly #write: (text: string) => void;
  readonly #colours: boolean;

  constructor(write: (text: string) => void, options: { readonly colours: boolean }) {
    this.#write = write;
    this.#colours = options.colours;
  }

  /** At the left edge. */
  line(text = ""): void {
    this.#write(`${text}\n`);
  }

  heading(text: string): void {
    this.line();
    this.line(this.#styled(text, "bold"));
  }

  say(text: string): void {
    this.line(`${INDENT}${text}`);
  }

  command(text: string): void {
    this.say(this.#styled(`$ ${text}`, "cyan"));
  }

  /** What a command answered, as it answered. */
  output(text: string): void {
    for (const line of text.trimEnd().split("\n")) this.say(`${GAP}${line.trimEnd()}`);
  }

  table(head: Row, rows: readonly Row[]): void {
    const [first = "", ...rest] = columns([head, ...rows]);
    this.say(`${GAP}${this.#styled(first, "dim")}`);
    for (const line of rest) this.say(`${GAP}${line}`);
  }

  success(text: string): void {
    this.say(`${this.#styled("✓", "green")} ${text}`);
  }

  failure(text: string): void {
    this.line(`${this.#styled("✗", "red")} ${this.#styled(text, "bold")}`);
  }

  #styled(text: string, style: Style): string {
    return this.#colours ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
  }
}

/** Rows as lines whose cells begin at the same place. */
export function columns(rows: readonly Row[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
