/**
 * Defence in depth: no code of ours passes a token to a log, yet a library's error, a server's message or a
 * later mistake might. What looks like a credential never leaves through a log line.
 */
export const REDACTED = '[redacted]';

/** Every JWT's header is the base64url of `{"…`: `eyJ`. A cut-off token (no signature, no payload) counts as well. */
const JWT = /eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){0,2}/g;
const AUTHORIZATION = /\b(?:bearer|basic)\s+[^\s"',;]+/gi;
const CREDENTIAL_KEY =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie|password|.*token|client-key(?:-data)?)$/i;

const MAX_DEPTH = 6;
const MAX_ITEMS = 100;
const MAX_TEXT = 8192;

/** Replaces JWTs and Authorization values, then cuts what is longer than 8 KiB: in that order, so that no part survives. */
export function redactText(text: string): string {
  const clean = text.replace(AUTHORIZATION, REDACTED).replace(JWT, REDACTED);
  return clean.length <= MAX_TEXT ? clean : `${clean.slice(0, MAX_TEXT)}… (${clean.length} characters)`;
}

/**
 * Turns any value into plain, bounded JSON without credentials. Errors keep their name, message and codes only:
 * what libraries hang on them (headers, bodies, sockets) is not ours to print. Never throws.
 */
export function redactValue(value: unknown, { stacks }: { stacks: boolean }): unknown {
  return new Redactor(stacks).visit(value, 0);
}

class Redactor {
  readonly #stacks: boolean;
  /** The path from the root, to tell a cycle from an object that merely occurs twice. */
  readonly #ancestors = new Set<object>();

  constructor(stacks: boolean) {
    this.#stacks = stacks;
  }

  visit(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return redactText(value);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'object') return value === null ? null : this.#visitObject(value, depth);
    return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
  }

  #visitObject(value: object, depth: number): unknown {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (this.#ancestors.has(value)) return '[circular]';
    if (depth >= MAX_DEPTH) return '[…]';
    this.#ancestors.add(value);
    try {
      if (value instanceof Error) return this.#visitError(value, depth);
      if (value instanceof Map) return this.#visitEntries([...value], depth);
      if (Array.isArray(value) || value instanceof Set) return this.#visitItems([...value], depth);
      return this.#visitEntries(Object.entries(value), depth);
    } catch {
      return '[unreadable]'; // a getter or an iterator threw
    } finally {
      this.#ancestors.delete(value);
    }
  }

  #visitError(error: Error, depth: number): unknown {
    const { name, message, code, reason, auditID } = error as Error & Record<string, unknown>;
    const entries = Object.entries({ name, message, code, reason, auditID });
    const plain: [string, unknown][] = entries.filter(
      ([, item]) => typeof item === 'number' || (typeof item === 'string' && item !== ''),
    );
    if (error.cause !== undefined) plain.push(['cause', error.cause]);
    if (this.#stacks && error.stack !== undefined) plain.push(['stack', error.stack]);
    return this.#visitEntries(plain, depth);
  }

  #visitItems(items: readonly unknown[], depth: number): unknown[] {
    const kept = items.slice(0, MAX_ITEMS).map((item) => this.visit(item, depth + 1) ?? null);
    return items.length > MAX_ITEMS ? [...kept, `… and ${items.length - MAX_ITEMS} more`] : kept;
  }

  #visitEntries(entries: readonly (readonly [unknown, unknown])[], depth: number): Record<string, unknown> {
    const plain: [string, unknown][] = [];
    for (const [key, item] of entries.slice(0, MAX_ITEMS)) {
      const name = redactText(String(key));
      const secret = typeof item === 'string' && CREDENTIAL_KEY.test(name);
      const visited = secret ? REDACTED : this.visit(item, depth + 1);
      if (visited !== undefined) plain.push([name, visited]);
    }
    if (entries.length > MAX_ITEMS) plain.push(['…', `and ${entries.length - MAX_ITEMS} more`]);
    return Object.fromEntries(plain);
  }
}
