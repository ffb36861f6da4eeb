import { ApiError, type StatusBody } from "./api-error.ts";

/** One line of a watch; `object` is a Status when the type is ERROR. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: unknown;
}

/** @throws Error that quotes nothing of the line, which may be a Secret; V8's message would. ApiError for an ERROR event. */
export function watchEventOf(line: string, watched: string): WatchEvent {
  const event = parsed(line);
  if (event.type !== "ERROR") return event;
  const status = event.object as StatusBody & { readonly code?: number };
  throw new ApiError(`watch ${watched}`, status.code ?? 500, status);
}

function parsed(line: string): WatchEvent {
  try {
    return JSON.parse(line) as WatchEvent;
  } catch {
    throw new Error("a watch event is not JSON");
  }
}
