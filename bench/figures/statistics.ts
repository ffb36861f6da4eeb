/** The value below which the given share of the samples lies, by the nearest-rank rule. @throws Error without samples. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error("no samples");
  return value;
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error("no samples");
  return (lower + upper) / 2;
}

/** Rounded to so many places, for tables. */
export function rounded(value: number, places = 0): number {
  return Number(value.toFixed(places));
}
