/** Lower case, without the final dot: the form in which names are stored and compared. The root is "". */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}

/** Both names canonical. Every name is at or below the root. */
export function isAtOrBelow(name: string, apex: string): boolean {
  return apex === "" || name === apex || name.endsWith(`.${apex}`);
}

/** The name without its first label; undefined for the root. */
export function parentName(name: string): string | undefined {
  if (name === "") return undefined;
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}

/** The name itself, its parent, … and the root, in this order. */
export function selfAndAncestors(name: string): readonly string[] {
  const all: string[] = [];
  for (let current: string | undefined = name; current !== undefined; current = parentName(current)) all.push(current);
  return all;
}

/** Throws RangeError for a name that cannot stand in a packet: empty or over-long labels, more than 253 characters. */
export function checkedName(name: string): string {
  const canonical = canonicalName(name);
  const labels = canonical.split(".");
  if (canonical === "" || canonical.length > 253 || labels.some((label) => label === "" || Buffer.byteLength(label) > 63)) {
    throw new RangeError(`"${name}" is not a DNS name`);
  }
  return canonical;
}
