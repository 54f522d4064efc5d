/** What went wrong, of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const ELLIPSIS = '…';

/** Cuts a text to at most `maxBytes` of UTF-8, three or more, between two characters and with an ellipsis. */
export function truncate(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text);
  let end = maxBytes - Buffer.byteLength(ELLIPSIS);
  // 10xxxxxx continues a character: the cut goes before its first byte.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString() + ELLIPSIS;
}
