import type { Json, Model, Rule, Schema } from './schema.js';

/** All that is known of one property of a model. */
export interface FieldDefinition {
  readonly name: string;
  readonly schema: Schema;
  /** For administrators: `kubectl explain` shows it. */
  readonly description: string;
  readonly required?: boolean;
  /** What the API server puts in where the field is left out. */
  readonly default?: Json;
  /** OLM shows the field under this name. */
  readonly displayName?: string;
  /** How OLM's console edits or renders the field: `urn:alm:descriptor:…`. */
  readonly xDescriptors?: readonly string[];
}

const fields = new Map<Model, Map<string, FieldDefinition>>();
const rules = new Map<Model, Rule<object>[]>();

export function addField(model: Model, field: FieldDefinition): void {
  const known = fields.get(model) ?? new Map<string, FieldDefinition>();
  known.set(field.name, field);
  fields.set(model, known);
}

export function addRule(model: Model, rule: Rule<object>): void {
  // Decorators of a class run from the last to the first: keep the order in which they are read.
  rules.set(model, [rule, ...(rules.get(model) ?? [])]);
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
