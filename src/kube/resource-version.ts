/**
 * Orders resource versions of ONE resource type: negative when `a` is older. They are comparable decimal numbers of any
 * length since Kubernetes 1.35 (KEP-5504), and were so in practice before; they are not safe integers.
 */
export function compareResourceVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
