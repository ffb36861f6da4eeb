/** What the proxies do to the operator's connections to the API server, in words for a histogram. */
export const PROXY_FAULTS = [
  /** The connection is reset before the request is sent on. */
  "reset before sending",
  /** The API server has acted; the connection is reset in place of its answer. */
  "reset after applying",
  /** The answer comes, in drops. */
  "slow answer",
  "429 with Retry-After",
  "500",
  "503",
  /** Complete as HTTP, or shorter than announced; half of the JSON in both cases. */
  "truncated answer",
  /** The request is taken, and acted on or not; nothing comes back, and no FIN. */
  "black hole: call",
  /** The connection is accepted, and not even TLS is answered. */
  "black hole: connection",
  /** The watch stays open, and nothing more comes: no event, no bookmark, no FIN. */
  "black hole: watch",
  /** The token is refused, until its file holds another. */
  "401 until the token is replaced",
  /** In place of a watch that resumes. */
  "410 on a watch",
  /** In place of a further page of a list. */
  "410 on a continued list",
  /** As an event on a running watch, which ends then. */
  "410 as an ERROR event",
  "half a watch line",
  "slow watch",
  "reset of a watch",
] as const;
export type ProxyFault = (typeof PROXY_FAULTS)[number];

/** What is done to processes. */
export const PROCESS_FAULTS = [
  "API server killed",
  "etcd compacted, API server restarted",
  "wall clock forward",
  "wall clock back",
  "leader killed",
  "leader stopped (SIGSTOP)",
  "leader terminated (SIGTERM)",
] as const;
export type ProcessFault = (typeof PROCESS_FAULTS)[number];

export type FaultKind = ProxyFault | ProcessFault;
export const FAULT_KINDS: readonly FaultKind[] = [...PROXY_FAULTS, ...PROCESS_FAULTS];

/** A request to the API server, as a rule may ask about it. */
export interface Asked {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Plural of the kind; "" for none. */
  readonly resource: string;
  /** `beginning`: a watch that asks for everything there is (WatchList); `continuation`: a further page of a list. */
  readonly shape: "read" | "write" | "list" | "continuation" | "watch" | "beginning";
}

/** When a fault may strike: a connection is opened, a request has arrived, an event comes on an open watch. */
export type Moment = "connection" | "request" | "event";

const isCall = ({ shape }: Asked): boolean => shape !== "watch" && shape !== "beginning";

/** At which moments, on which requests, a fault is possible at all. */
const POSSIBLE: Readonly<
  Record<Exclude<ProxyFault, "401 until the token is replaced">, (moment: Moment, asked?: Asked) => boolean>
> = {
  "reset before sending": onRequest(() => true),
  "reset after applying": onRequest(isCall),
  "slow answer": onRequest(isCall),
  "429 with Retry-After": onRequest(() => true),
  "500": onRequest(() => true),
  "503": onRequest(() => true),
  "truncated answer": onRequest(isCall),
  "black hole: call": onRequest(isCall),
  "black hole: connection": (moment) => moment === "connection",
  "black hole: watch": (moment, asked) => moment === "event" || (asked !== undefined && moment === "request" && !isCall(asked)),
  "410 on a watch": onRequest(({ shape }) => shape === "watch"),
  "410 on a continued list": onRequest(({ shape }) => shape === "continuation"),
  "410 as an ERROR event": (moment) => moment === "event",
  "half a watch line": (moment) => moment === "event",
  "slow watch": (moment) => moment === "event",
  "reset of a watch": (moment) => moment === "event",
};
/** Faults that a rule can plant; a refused token is a state of the proxy instead. */
export type PlantedFault = keyof typeof POSSIBLE;

function onRequest(suits: (asked: Asked) => boolean) {
  return (moment: Moment, asked?: Asked): boolean => moment === "request" && asked !== undefined && suits(asked);
}

export function isPossible(kind: PlantedFault, moment: Moment, asked?: Asked): boolean {
  return POSSIBLE[kind](moment, asked);
}

/** What a request line asks for. */
export function askedBy(method: string, path: string): Asked {
  const url = new URL(path, "http://api");
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  const rest = segments.slice(segments[0] === "api" ? 2 : 3);
  const scoped = rest[0] === "namespaces" && rest.length > 2 ? rest.slice(2) : rest;
  const [resource = "", name] = scoped;
  return { method, path, resource, shape: shapeOf(method, url, name) };
}

function shapeOf(method: string, { searchParams }: URL, name: string | undefined): Asked["shape"] {
  if (method !== "GET") return "write";
  if (searchParams.has("watch")) return searchParams.has("sendInitialEvents") ? "beginning" : "watch";
  if (name !== undefined) return "read";
  return searchParams.has("continue") ? "continuation" : "list";
}
