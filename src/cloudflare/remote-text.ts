const MAX_TEXT = 300;

/**
 * Remote text made fit for a status message: one line, bounded, without secrets and without ids (ids change from call to
 * call, which would make a status write of every failure, and a tenant has no use for them).
 */
export function clean(text: string, secrets: readonly string[]): string {
  let result = text;
  for (const secret of secrets) {
    if (secret !== "") result = result.replaceAll(secret, "[redacted]");
  }
  result = result
    .replace(/Bearer\s+\S+/gi, "Bearer [redacted]")
    .replace(/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, "<id>")
    .replace(/\b[0-9a-f]{16,64}\b/gi, "<id>")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
  return result.length > MAX_TEXT ? `${result.slice(0, MAX_TEXT - 1)}…` : result;
}
