/**
 * Defence in depth: no code of ours passes a token to a log, yet a library's error, a server's message or a
 * later mistake might. What looks like a credential never leaves through a log line.
 */
export const REDACTED = '[redacted]';

/** Every JWT's header is the base64url of `{"…`: `eyJ`. A cut-off token (no signature, no payload) counts as well. */
const JWT = /eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){0,2}/g;
const AUTHORIZATION = /\b(?:bearer|basic)(?:\s+|%20)["'<]?[^\s"',;<>]+/gi;
/**
 * A header or field in a text. Not after a `:`, else a namespace of such a name would hide whom a user name in it names;
 * the value may have a scheme before it.
 */
const NAMED =
  /(?<![\w:.-])((?:(?:proxy-)?authorization|(?:set-)?cookie|password|(?:access|refresh|id)_token|client_secret)\\?["']?\s*[:=]\s*\\?["']?)(?!\[redacted\])(?:\w+\s+)?[^\s"',;&\\][^\s"',;&]*/gi;
/** `user:password@` of a URL. */
const USERINFO = /:\/\/[^\s/"'<>]*@/g;
const CREDENTIAL_KEY =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookies?|.*password|.*secret|.*tokens?|credentials?|(?:client|private|api)[-_]?key(?:[-_]?data)?)$/i;

const MAX_DEPTH = 6;
const MAX_ITEMS = 100;
const MAX_TEXT = 8192;

/**
 * Replaces JWTs, Authorization values and passwords in URLs, then cuts what is longer than 8 KiB: in that order, so that no
 * part survives. What is matched is bounded as well; the end of it, which may hold the head of a credential, is left out.
 */
export function redactText(text: string): string {
  const isWhole = text.length <= 2 * MAX_TEXT;
  const clean = (isWhole ? text : text.slice(0, 2 * MAX_TEXT))
    .replace(USERINFO, `://${REDACTED}@`)
    .replace(AUTHORIZATION, REDACTED)
    .replace(NAMED, `$1${REDACTED}`)
    .replace(JWT, REDACTED);
  if (isWhole && clean.length <= MAX_TEXT) return clean;
  const kept = isWhole ? clean : clean.slice(0, -MAX_TEXT / 2);
  return `${kept.slice(0, MAX_TEXT)}… (${text.length} characters)`;
}

/**
 * Turns any value into plain, bounded JSON without credentials. Errors keep their name, message and codes only:
 * what libraries hang on them (headers, bodies, sockets) is not ours to print. Never throws.
 * @param ancestors The path from the root, to tell a cycle from an object that merely occurs twice.
 */
export function redactValue(
  value: unknown,
  { stacks, ancestors = [] }: { stacks: boolean; ancestors?: readonly object[] },
): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return undefined;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (ancestors.includes(value)) return '[circular]';
  if (ancestors.length >= MAX_DEPTH) return '[…]';
  const visit = (item: unknown): unknown => redactValue(item, { stacks, ancestors: [...ancestors, value] });
  try {
    if (value instanceof Error) return redactEntries(entriesOf(value, stacks), visit);
    if (value instanceof Map) return redactEntries([...value], visit);
    if (Array.isArray(value) || value instanceof Set) return redactItems([...value], visit);
    return redactEntries(Object.entries(value), visit);
  } catch {
    return '[unreadable]'; // a getter or an iterator threw
  }
}

function entriesOf(error: Error, stacks: boolean): [string, unknown][] {
  const { name, message, code, reason, auditID } = error as Error & Record<string, unknown>;
  const plain: [string, unknown][] = Object.entries({ name, message, code, reason, auditID }).filter(
    ([, item]) => typeof item === 'number' || (typeof item === 'string' && item !== ''),
  );
  if (error.cause !== undefined) plain.push(['cause', error.cause]);
  if (stacks && error.stack !== undefined) plain.push(['stack', error.stack]);
  return plain;
}

function redactItems(items: readonly unknown[], visit: (item: unknown) => unknown): unknown[] {
  const kept = items.slice(0, MAX_ITEMS).map((item) => visit(item) ?? null);
  return items.length > MAX_ITEMS ? [...kept, `… and ${items.length - MAX_ITEMS} more`] : kept;
}

function redactEntries(entries: readonly (readonly [unknown, unknown])[], visit: (item: unknown) => unknown) {
  const plain: [string, unknown][] = [];
  for (const [key, item] of entries.slice(0, MAX_ITEMS)) {
    const name = redactText(String(key));
    // A number under a plural is a count of them.
    const isCount = typeof item === 'boolean' || (typeof item === 'number' && name.endsWith('s'));
    const isSecret = item !== undefined && item !== null && !isCount && CREDENTIAL_KEY.test(name);
    const visited = isSecret ? REDACTED : visit(item);
    if (visited !== undefined) plain.push([name, visited]);
  }
  if (entries.length > MAX_ITEMS) plain.push(['…', `and ${entries.length - MAX_ITEMS} more`]);
  return Object.fromEntries(plain);
}
