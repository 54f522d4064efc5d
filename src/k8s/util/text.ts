/** What went wrong, of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Control and format characters, those among them that turn the direction of a line, and what ends one. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * `text` on one line: what moves a terminal's cursor, forges a line or makes one name look like another is spelled out as
 * `\n` or `\uXXXX`, which JSON and YAML read too.
 */
export function printable(text: string): string {
  const spelled = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(UNPRINTABLE, (each) => (each === '\n' ? '\\n' : each.split('').map(spelled).join('')));
}

/** Cuts a text to at most `maxBytes` of UTF-8, three or more, between two characters and with an ellipsis. */
export function truncate(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const head = bytes.subarray(0, maxBytes - Buffer.byteLength('…'));
  // In a stream, a character that is not whole waits for the rest of it.
  return `${new TextDecoder('utf-8', { ignoreBOM: true }).decode(head, { stream: true })}…`;
}
