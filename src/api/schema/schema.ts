/** What a field may hold: what a structural schema can express, with a bound where it can grow. docs/design/0021-models.md */
export type Schema = TextSchema | IntegerSchema | ListSchema | MapSchema | ObjectSchema | BareSchema;

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * A constraint that a pattern cannot express: the same sentence in CEL for the API server and in TypeScript for
 * the parser. `holds` is asked once the value's own fields are right; fields of its fields may still be wrong.
 */
export interface Rule<T> {
  readonly cel: string;
  /** Completes "FIELD: …": what is wrong and how to mend it. */
  readonly message: string;
  readonly holds: (value: T) => boolean;
}

export interface TextSchema {
  readonly kind: 'text';
  readonly minLength?: number;
  /** In Unicode code points, as the API server counts. */
  readonly maxLength?: number;
  /** Anchored, in the syntax that RE2 and JavaScript share. */
  readonly pattern?: string;
  /** Completes "must be …" where `pattern` does not match. */
  readonly syntax?: string;
  readonly values?: readonly string[];
  readonly format?: 'date-time';
  readonly rules?: readonly Rule<string>[];
}

export interface IntegerSchema {
  readonly kind: 'integer';
  readonly format: 'int32' | 'int64';
  readonly minimum: number;
}

export interface ListSchema {
  readonly kind: 'list';
  readonly items: TextSchema | ObjectSchema;
  /** `set`: no item twice; `map`: no two items with the same `keys`; `atomic`: one owner for the whole list. */
  readonly listType: 'set' | 'map' | 'atomic';
  readonly keys?: readonly string[];
  readonly minItems?: number;
  readonly maxItems: number;
}

export interface MapSchema {
  readonly kind: 'map';
  readonly values: TextSchema;
  readonly maxProperties: number;
  /** Keys have no pattern in a structural schema: rules stand in for it. */
  readonly rules?: readonly Rule<Readonly<Record<string, string>>>[];
}

/** A class whose properties carry the Field decorator. */
export interface ObjectSchema {
  readonly kind: 'object';
  readonly model: Model;
  /** Server-side apply takes the whole object for one value, with one owner. */
  readonly atomic?: boolean;
}

/** What needs no more words. `metadata` is the API server's own business, beyond the names that we rely on. */
export interface BareSchema {
  readonly kind: 'boolean' | 'metadata';
}

/** A constructor of a decorated class; never called with arguments. */
export type Model = new () => object;

type Options<S extends Schema> = Omit<S, 'kind'>;

export const text = (options: Options<TextSchema>): TextSchema => ({ kind: 'text', ...options });
export const oneOf = (values: readonly string[]): TextSchema => ({ kind: 'text', values });
export const timestamp = (): TextSchema => ({ kind: 'text', format: 'date-time' });
export const integer = (options: Options<IntegerSchema>): IntegerSchema => ({ kind: 'integer', ...options });
export const boolean = (): BareSchema => ({ kind: 'boolean' });
export const metadata = (): BareSchema => ({ kind: 'metadata' });
export const listOf = (
  items: ListSchema['items'],
  options: Omit<ListSchema, 'kind' | 'items'>,
): ListSchema => ({ kind: 'list', items, ...options });
export const mapOf = (values: TextSchema, options: Omit<MapSchema, 'kind' | 'values'>): MapSchema => ({
  kind: 'map',
  values,
  ...options,
});
export const object = (model: Model, options: Pick<ObjectSchema, 'atomic'> = {}): ObjectSchema => ({
  kind: 'object',
  model,
  ...options,
});

export interface FieldDefinition {
  readonly name: string;
  readonly schema: Schema;
  /** For administrators: `kubectl explain` shows it. */
  readonly description: string;
  readonly required?: boolean;
  /** What the API server puts in where the field is left out. */
  readonly default?: Json;
  /** OLM shows the field under this name. */
  readonly displayName: string;
  /** How OLM's console edits or renders the field, beyond what follows from `schema`: `urn:alm:descriptor:…`. */
  readonly xDescriptors?: readonly string[];
}

const fields = new Map<Model, Map<string, FieldDefinition>>();
const rules = new Map<Model, Rule<object>[]>();

export function addField(model: Model, field: FieldDefinition): void {
  const known = fields.get(model) ?? new Map<string, FieldDefinition>();
  known.set(field.name, field);
  fields.set(model, known);
}

/** Declares a constraint between the properties of a model. */
export function ObjectRule<T extends object>(rule: Rule<T>): (model: new () => T) => void {
  return (model) => {
    // Decorators of a class run from the last to the first: keep the order in which they are read.
    rules.set(model, [rule as Rule<object>, ...(rules.get(model) ?? [])]);
  };
}

/** The fields of a model by name, in the order of their declaration. */
export function fieldsOf(model: Model): ReadonlyMap<string, FieldDefinition> {
  const known = fields.get(model);
  if (known === undefined) {
    throw new TypeError(`${model.name} declares no fields: decorate its properties with @Field`);
  }
  return known;
}

export function rulesOf(model: Model): readonly Rule<object>[] {
  return rules.get(model) ?? [];
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
