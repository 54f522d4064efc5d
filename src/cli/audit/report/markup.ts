import { printable } from '../../../k8s/util/text.js';

/** HTML that is safe to put into a page: only {@link markup} makes it. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

type Value = string | number | Markup | readonly Markup[];

/**
 * A template of HTML. Whatever is put in is text, and escaped so that it stays text between tags and in a quoted
 * attribute alike; only other markup goes in as it is.
 */
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...values.map(inserted)));
}

function inserted(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.join('');
  // Line breaks stay, as manifests have them; other characters that cannot be seen are spelled out.
  const text = String(value).split('\n').map(printable).join('\n');
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** `2026-01-02 03:04:05 UTC`. */
export function utc(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
