import type { ControlPlane } from "../../test/control-plane/control-plane.ts";

const SERIES = /^apiserver_request_total\{(.*)\} (\S+)$/;
const LABEL = /(\w+)="([^"]*)"/g;
/** The driver's own, which no stack may send: it deletes by collection. Its watch counts when it ends. */
const OWN: ReadonlySet<string> = new Set(["DELETE", "DELETECOLLECTION", "POST"]);

/** Requests for Widgets by verb, with the subresource where there is one, such as `PUT status`; `errors` are those refused. */
export interface ApiRequests {
  readonly byVerb: Readonly<Record<string, number>>;
  readonly errors: number;
}

/** What the API server has counted so far, without the driver's own requests. */
export async function readApiRequests(controlPlane: ControlPlane): Promise<ApiRequests> {
  const { status, body } = await controlPlane.request("GET", "/metrics");
  if (status !== 200 || typeof body !== "string") throw new Error(`no metrics of the API server: ${status}`);
  const byVerb: Record<string, number> = {};
  let errors = 0;
  for (const line of body.split("\n")) {
    const series = SERIES.exec(line);
    if (series === null) continue;
    const labels = Object.fromEntries([...(series[1] ?? "").matchAll(LABEL)].map(([, name, value]) => [name, value]));
    if (labels.group !== "bench.customdomains.dev" || OWN.has(labels.verb ?? "")) continue;
    const verb = [labels.verb, labels.subresource].filter(Boolean).join(" ");
    const count = Number(series[2]);
    byVerb[verb] = (byVerb[verb] ?? 0) + count;
    if (Number(labels.code) >= 400) errors += count;
  }
  return { byVerb, errors };
}

/** What was counted between two readings. */
export function requestsBetween(before: ApiRequests, after: ApiRequests): ApiRequests {
  const counts = Object.entries(after.byVerb).map(([verb, count]) => [verb, count - (before.byVerb[verb] ?? 0)] as const);
  return { byVerb: Object.fromEntries(counts.filter(([, count]) => count > 0)), errors: after.errors - before.errors };
}

export function totalOf({ byVerb }: ApiRequests): number {
  return Object.values(byVerb).reduce((sum, count) => sum + count, 0);
}
