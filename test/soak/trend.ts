/** A straight line through samples, by least squares. */
export interface Trend {
  readonly mean: number;
  /** What the line rises from the first sample to the last; negative when it falls. */
  readonly rise: number;
  /** The mean of what the samples lie off the line. */
  readonly scatter: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** @throws RangeError for fewer than three points, which any line would fit. */
export function trendOf(points: readonly Point[]): Trend {
  if (points.length < 3) throw new RangeError(`${points.length} samples make no trend`);
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const variance = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const slope = variance === 0 ? 0 : covariance / variance;
  const xs = points.map(({ x }) => x);
  const scatter = mean(points.map(({ x, y }) => Math.abs(y - meanY - slope * (x - meanX))));
  return { mean: meanY, rise: slope * (Math.max(...xs) - Math.min(...xs)), scatter };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
