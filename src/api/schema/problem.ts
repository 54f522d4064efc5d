import {
  fieldsOf,
  isRecord,
  rulesOf,
  type ListSchema,
  type MapSchema,
  type Model,
  type Rule,
  type Schema,
  type TextSchema,
} from './schema.js';
import { unseal } from './complete.js';

type Problem = string | undefined;

/** RFC 3339, as metav1.Time writes it. */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The first thing wrong with `value`, as `PATH: sentence` with the path relative to the field ('' , `[3]`,
 * `[a-key]`), or undefined. Properties of objects are not looked into: class-validator descends on its own.
 */
export function problemOf(schema: Schema, value: unknown): Problem {
  if (value === undefined) return ': is required';
  switch (schema.kind) {
    case 'text':
      return at(': ', textProblem(schema, value));
    case 'integer':
      return at(': ', integerProblem(schema.minimum, value));
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `: must be true or false, not ${show(value)}`;
    case 'list':
      return listProblem(schema, value);
    case 'map':
      return mapProblem(schema, value);
    case 'object':
    case 'metadata':
      return isRecord(value) ? undefined : `: must be a mapping of fields, not ${show(value)}`;
    default:
      return schema satisfies never;
  }
}

/** The first rule of the value's class, or of the class of its items, that does not hold; asked of sound objects only. */
export function ruleProblemOf(schema: Schema, value: unknown): Problem {
  if (schema.kind === 'list' && Array.isArray(value)) {
    return firstOf(value, (item, index) => at(`[${index}]`, ruleProblemOf(schema.items, item)));
  }
  if (schema.kind !== 'object' || !isRecord(value)) return undefined;
  const rules = rulesOf(schema.model);
  return rules.length > 0 && isSound(schema.model, value) ? at(': ', brokenRule(rules, value)) : undefined;
}

/** Rules may rely on what the fields themselves say of their values. */
function isSound(model: Model, value: Readonly<Record<string, unknown>>): boolean {
  return [...fieldsOf(model).values()].every((field) => {
    const property = unseal(value[field.name]);
    return property === undefined ? field.required !== true : problemOf(field.schema, property) === undefined;
  });
}

function textProblem(schema: TextSchema, value: unknown): Problem {
  if (typeof value !== 'string') return `must be a string, not ${show(value)}`;
  const { minLength = 0, maxLength = Infinity, pattern, values } = schema;
  if (values !== undefined && !values.includes(value)) {
    return `must be one of ${values.join(', ')}, not ${show(value)}`;
  }
  // Length first: a pattern never meets a string longer than it was made for.
  if (Array.from(value).length > maxLength) return `must be at most ${maxLength} characters long`;
  if (value.length < minLength) return 'must not be empty';
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) {
    return `must be ${schema.syntax ?? `a match of ${pattern}`}, not ${show(value)}`;
  }
  if (schema.format === 'date-time' && !(TIMESTAMP.test(value) && !Number.isNaN(Date.parse(value)))) {
    return `must be a time such as 2026-01-02T03:04:05Z, not ${show(value)}`;
  }
  return brokenRule(schema.rules, value);
}

function integerProblem(minimum: number, value: unknown): Problem {
  if (!Number.isSafeInteger(value)) return `must be a whole number, not ${show(value)}`;
  return (value as number) < minimum ? `must be at least ${minimum}, not ${show(value)}` : undefined;
}

function listProblem(schema: ListSchema, value: unknown): Problem {
  if (!Array.isArray(value)) return `: must be a list, not ${show(value)}`;
  const items = value as unknown[];
  if (items.length > schema.maxItems) {
    return `: must have at most ${schema.maxItems} items, not ${items.length}`;
  }
  if (items.length < (schema.minItems ?? 0)) {
    return ': must not be an empty list: name an item, or leave the field out';
  }
  return (
    firstOf(items, (item, index) => at(`[${index}]`, problemOf(schema.items, item))) ??
    duplicateOf(schema, items)
  );
}

/** Two items that the API server would take for one: the same value in a set, the same keys in a map. */
function duplicateOf(schema: ListSchema, items: readonly unknown[]): Problem {
  if (schema.listType === 'atomic') return undefined;
  const seen = new Set<string>();
  return firstOf(items, (item, index) => {
    const keys = schema.keys?.map((key) => String((item as Record<string, unknown>)[key]));
    const identity = keys?.join('/') ?? String(item);
    if (seen.has(identity)) return `[${index}]: is there twice: ${show(identity)}; take one away`;
    seen.add(identity);
    return undefined;
  });
}

function mapProblem(schema: MapSchema, value: unknown): Problem {
  if (!isRecord(value)) return `: must be a mapping of names to values, not ${show(value)}`;
  const entries = Object.entries(value);
  if (entries.length > schema.maxProperties) {
    return `: must have at most ${schema.maxProperties} entries, not ${entries.length}`;
  }
  return (
    firstOf(entries, ([key, item]) => at(`[${key}]: `, textProblem(schema.values, item))) ??
    at(': ', brokenRule(schema.rules, value as Record<string, string>))
  );
}

function brokenRule<T>(rules: readonly Rule<T>[] | undefined, value: T): Problem {
  return rules?.find((rule) => !rule.holds(value))?.message;
}

function firstOf<T>(items: readonly T[], problem: (item: T, index: number) => Problem): Problem {
  for (const [index, item] of items.entries()) {
    const found = problem(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A problem with what comes before it: a path, or a part of one. */
export function at(path: string, problem: Problem): Problem {
  return problem === undefined ? undefined : `${path}${problem}`;
}

/** A value in a message: quoted, and never long enough to hide the message. */
function show(value: unknown): string {
  const json = JSON.stringify(value) as Problem;
  return json === undefined || json.length <= 80 ? String(json) : `${json.slice(0, 77)}...`;
}
