export const MARKDOWN_NOTICE = "<!-- Generated from src/api/v1 by tools/generate. Do not edit. -->\n";

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(" | ")} |`;
  return [line(header), `|${"--|".repeat(header.length)}`, ...rows.map(line), ""].join("\n");
}

/** Angle brackets outside code would be read as HTML. */
function escapeCell(cell: string): string {
  const inCode = cell.split("`");
  return inCode
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll("<", "&lt;").replaceAll(">", "&gt;")))
    .join("`")
    .replaceAll("|", "\\|")
    .replaceAll("\n", " ");
}
