/** An answer of the API that is not 2xx, in the documented shape. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    body: Readonly<Record<string, unknown>> & { readonly message: string },
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(body.message);
    this.name = "ApiError";
    this.status = status;
    this.body = { ...body, http_status_code: status };
    this.headers = headers;
  }
}

export function wrongValue(param: string, message: string): ApiError {
  return new ApiError(400, { message, type: "invalid_request", api_error_code: "param_wrong_value", param });
}

export function invalidRequest(message: string): ApiError {
  return new ApiError(400, { message, type: "invalid_request", api_error_code: "invalid_request" });
}

export function incompatible(message: string): ApiError {
  return new ApiError(400, { message, type: "invalid_request", api_error_code: "configuration_incompatible" });
}

/** A real answer of this kind was seen without api_error_code. */
export function incompatiblePeriod(): ApiError {
  return new ApiError(400, {
    message: "The plan's billing period and addon's billing period are incompatible.",
    type: "invalid_request",
  });
}

export function paymentFailed(): ApiError {
  return new ApiError(400, {
    message:
      "Subscription cannot be changed as we are not able to collect the amount from your card on file. Error message: (card_declined) Your card was declined.",
    type: "payment",
    api_error_code: "payment_processing_failed",
    error_cause_id: "gateway.general.decline",
  });
}

/** This one has no `type`. */
export function unauthenticated(): ApiError {
  return new ApiError(401, {
    message: "Sorry, authentication failed. Invalid API Key.",
    api_error_code: "api_authentication_failed",
  });
}

export function notFound(param: string, id: string): ApiError {
  return new ApiError(404, { message: `${id} not found`, type: "invalid_request", api_error_code: "resource_not_found", param });
}

export function siteNotFound(): ApiError {
  return new ApiError(404, { message: "The site is not found.", type: "invalid_request", api_error_code: "site_not_found" });
}

export function wrongMethod(): ApiError {
  return new ApiError(405, {
    message: "This HTTP method is not supported here.",
    type: "invalid_request",
    api_error_code: "http_method_not_supported",
  });
}

export function invalidState(message: string): ApiError {
  return new ApiError(409, { message, type: "invalid_request", api_error_code: "invalid_state_for_request" });
}

export function keyReused(): ApiError {
  const message = "The idempotency key was used before with other parameters.";
  return new ApiError(422, { message, type: "invalid_request", api_error_code: "unable_to_process_request" });
}

export function lockTimeout(): ApiError {
  const message = "Multiple concurrent requests to the same resource.";
  return new ApiError(429, { message, type: "operation_failed", api_error_code: "lock_timeout" });
}

/** `retryAfter` in seconds. */
export function rateLimited(retryAfter: number): ApiError {
  const body = { message: "API request limit exceeded.", type: "operation_failed", api_error_code: "api_request_limit_exceeded" };
  return new ApiError(429, body, { "retry-after": String(retryAfter) });
}
