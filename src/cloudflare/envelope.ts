import { z } from "zod";

export interface EnvelopeError {
  readonly code: number;
  readonly message: string;
}

/** Cloudflare's v4 envelope, as far as anything here reads it. */
export interface Envelope {
  readonly success: boolean | undefined;
  /** Each error followed by the members of its `error_chain`, which carry the code that says what is wrong (6003 → 6111). */
  readonly errors: readonly EnvelopeError[];
  readonly messages: readonly string[];
  readonly result: unknown;
  readonly totalPages: number | undefined;
  readonly totalCount: number | undefined;
  /** Top-level id: DELETE of a custom hostname may answer `{"id": …}` without envelope. */
  readonly id: string | undefined;
}

const problem = z.object({ code: z.coerce.number().catch(0), message: z.string().catch("") });
const problemWithChain = problem.extend({ error_chain: z.array(problem).catch([]) });
const count = z.number().int().nonnegative().optional().catch(undefined);

const envelopeSchema = z.object({
  success: z.boolean().optional().catch(undefined),
  errors: z.array(problemWithChain).nullish().catch([]),
  messages: z.array(z.unknown()).nullish().catch([]),
  result: z.unknown().optional(),
  result_info: z.object({ total_pages: count, total_count: count }).nullish().catch(undefined),
  id: z.string().optional().catch(undefined),
});

const MAX_MESSAGES = 10;

/** Undefined when `text` is not a JSON object that looks like an envelope (an HTML page, a cut-off body). */
export function parseEnvelope(text: string): Envelope | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  return readEnvelope(body);
}

export function readEnvelope(body: unknown): Envelope | undefined {
  const parsed = envelopeSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { success, errors, messages, result, result_info, id } = parsed.data;
  if (success === undefined && id === undefined) return undefined;
  return {
    success,
    errors: (errors ?? []).flatMap(({ code, message, error_chain }) => [{ code, message }, ...error_chain]),
    messages: (messages ?? []).slice(0, MAX_MESSAGES).map(messageText),
    result,
    totalPages: result_info?.total_pages,
    totalCount: result_info?.total_count,
    id,
  };
}

/** Messages are strings in the specification and objects `{code, message}` elsewhere in the same API. */
function messageText(message: unknown): string {
  if (typeof message === "string") return message;
  const parsed = problem.safeParse(message);
  return parsed.success ? parsed.data.message : "";
}
