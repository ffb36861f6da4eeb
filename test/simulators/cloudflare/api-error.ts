import { json, type SimulatorResponse } from "../http.ts";

/** An answer of the API that is a failure: HTTP status and the code the documentation lists. */
export class APIError extends Error {
  readonly status: number;
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly chain: readonly { readonly code: number; readonly message: string }[];

  constructor(status: number, code: number, message: string, more: Partial<Pick<APIError, "headers" | "chain">> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.chain = more.chain ?? [];
  }

  toResponse(): SimulatorResponse {
    const chain = this.chain.length > 0 ? { error_chain: this.chain } : {};
    const errors = [{ code: this.code, message: this.message, ...chain }];
    return json(this.status, { result: null, success: false, errors, messages: [] }, this.headers);
  }
}

export interface Message {
  readonly code: number;
  readonly message: string;
}

export function succeed(status: number, result: unknown, more: { messages?: readonly Message[]; resultInfo?: unknown } = {}) {
  const info = more.resultInfo === undefined ? {} : { result_info: more.resultInfo };
  return json(status, { result, success: true, errors: [], messages: more.messages ?? [], ...info });
}
