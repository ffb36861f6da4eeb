/** The members of a metav1.Status that a caller may decide on. */
export interface StatusBody {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
    readonly retryAfterSeconds?: number;
  };
}

/**
 * A refusal by the API server. Carries its Status, never headers, request bodies or credentials.
 * A request that got no answer at all is a {@link NoAnswerError} instead: it may have been carried out.
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly reason: string;
  readonly body: StatusBody;
  /** Milliseconds that the server asked to wait, where it did. */
  readonly retryAfterMs: number | undefined;

  constructor(request: string, status: number, body: StatusBody, retryAfterMs?: number) {
    super(`${request}: ${status} ${body.reason ?? ""} ${body.message ?? ""}`.trim());
    this.status = status;
    this.reason = body.reason ?? "";
    this.body = body;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No complete answer came: connection refused or reset, deadline passed, truncated body. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";

  constructor(request: string, cause: unknown) {
    super(`${request}: no answer from the API server`, { cause });
  }
}

export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && error.reason === "Conflict";
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && error.reason === "AlreadyExists";
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** The object was written or deleted since it was read: decide again. A 404 of a kind that is not served is no such news. */
export function isStale(error: unknown): boolean {
  return isConflict(error) || (error instanceof ApiError && error.status === 404 && error.body.details?.name !== undefined);
}

/**
 * Whether a 404 says that the named OBJECT is gone. A missing CRD or API path answers 404 too, without naming the object
 * in `details`: that is "unknown", never "gone" (claims protocol, rule 12).
 */
export function isObjectGone(error: unknown, plural: string, name: string): boolean {
  return (
    isNotFound(error) && error instanceof ApiError && error.body.details?.name === name && error.body.details?.kind === plural
  );
}

/** The resource version asked for is no longer kept: list again. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 410 || error.reason === "Expired" || error.reason === "Gone");
}
