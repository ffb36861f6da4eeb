/**
 * Splits a byte stream into its newline-terminated lines. A last line without its newline is not yielded: the connection
 * broke inside an event.
 * @throws Error when a line exceeds `maxBytes`.
 */
export async function* lines(chunks: AsyncIterable<Uint8Array>, maxBytes = 8 * 1024 * 1024): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      parts.push(chunk.subarray(start, end));
      yield Buffer.concat(parts).toString("utf8");
      parts = [];
      size = 0;
      start = end + 1;
    }
    parts.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > maxBytes) throw new Error(`a watch event is larger than ${maxBytes} bytes`);
  }
}
