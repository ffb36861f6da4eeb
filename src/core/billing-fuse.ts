export interface FuseInput {
  /** Domains at the last sync. */
  readonly before: number;
  /** Domains now. */
  readonly count: number;
  /** How many left since then in a way that the claim protocol explains. */
  readonly explained: number;
  readonly namespaceTerminating: boolean;
}

const SMALL_FALL = 10;

/**
 * Rule 4's fuse: whether so many domains vanished without an explanation that lost records are likelier than deletions. The
 * explained departures are taken off first: what is left must not fall by more than half, falls of up to 10 excepted.
 */
export function isSuspiciousDrop({ before, count, explained, namespaceTerminating }: FuseInput): boolean {
  if (namespaceTerminating) return false;
  const expected = Math.max(0, before - explained);
  return expected - count > Math.max(SMALL_FALL, expected / 2);
}
