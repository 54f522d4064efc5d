import { fieldsOf, isRecord, type Model, type Schema } from './schema.js';

type OnUnknown = (path: string) => void;

/**
 * Does to an object what the API server does before it validates one: fills in defaults, drops nulls and the
 * fields that no model declares, the latter reported to `onUnknown` by their path. `raw` itself is not changed.
 * Whatever is not of a model's shape, lists and maps of strings among it, is sealed.
 */
export function complete(model: Model, raw: unknown, path: string, onUnknown: OnUnknown): unknown {
  if (!isRecord(raw)) return raw;
  const fields = fieldsOf(model);
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw)) {
    const field = fields.get(name);
    if (field === undefined) {
      onUnknown(join(path, name));
    } else if (value !== null) {
      result[name] = completeValue(field.schema, value, join(path, name), onUnknown);
    }
  }
  for (const field of fields.values()) {
    if (field.default !== undefined && result[field.name] === undefined) {
      result[field.name] = structuredClone(field.default);
    }
  }
  return result;
}

function completeValue(schema: Schema, value: unknown, path: string, onUnknown: OnUnknown): unknown {
  if (schema.kind === 'object' && isRecord(value)) return complete(schema.model, value, path, onUnknown);
  const items = schema.kind === 'list' ? schema.items : undefined;
  if (items?.kind === 'object' && Array.isArray(value) && value.every(isRecord)) {
    return value.map((item, index) => complete(items.model, item, `${path}[${index}]`, onUnknown));
  }
  return seal(schema.kind === 'map' && isRecord(value) ? withoutNulls(value) : value);
}

/** A key named `__proto__` stays a key. */
function withoutNulls(map: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== null));
}

export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Carries a value past class-transformer (docs/design/0021-models.md): it passes functions on, and JSON holds none. */
export function seal(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (): unknown => value : value;
}

export function unseal(value: unknown): unknown {
  return typeof value === 'function' ? (value as () => unknown)() : value;
}
