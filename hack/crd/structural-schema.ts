import {
  fieldsOf,
  rulesOf,
  type FieldDefinition,
  type Json,
  type ListSchema,
  type MapSchema,
  type Model,
  type Rule,
  type Schema,
  type TextSchema,
} from '../../src/api/schema/schema.js';

/** The part of apiextensions/v1 JSONSchemaProps that the models need. */
export interface StructuralSchema {
  description?: string;
  type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  format?: string;
  default?: Json;
  enum?: readonly string[];
  minimum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  items?: StructuralSchema;
  required?: readonly string[];
  properties?: Record<string, StructuralSchema>;
  maxProperties?: number;
  additionalProperties?: StructuralSchema;
  'x-kubernetes-list-type'?: 'set' | 'map' | 'atomic';
  'x-kubernetes-list-map-keys'?: readonly string[];
  'x-kubernetes-map-type'?: 'atomic';
  'x-kubernetes-validations'?: readonly { rule: string; message: string }[];
}

/** The schema of all fields that a model declares, in their order. */
export function structuralSchemaOf(model: Model): StructuralSchema {
  const fields = [...fieldsOf(model).values()];
  const required = fields.filter((field) => field.required).map((field) => field.name);
  return {
    type: 'object',
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(fields.map((field) => [field.name, propertyOf(field)])),
    ...validations(rulesOf(model)),
  };
}

function propertyOf(field: FieldDefinition): StructuralSchema {
  if (field.schema.kind === 'metadata') {
    // The API server puts in the whole of ObjectMeta on its own, and takes not even a description.
    return { type: 'object' };
  }
  return {
    description: field.description,
    ...(field.default !== undefined && { default: field.default }),
    ...schemaOf(field.schema),
  };
}

function schemaOf(schema: Schema): StructuralSchema {
  switch (schema.kind) {
    case 'text':
      return textOf(schema);
    case 'integer':
      return { type: 'integer', format: schema.format, minimum: schema.minimum };
    case 'boolean':
      return { type: 'boolean' };
    case 'list':
      return listOf(schema);
    case 'map':
      return mapOf(schema);
    case 'object':
      return {
        ...structuralSchemaOf(schema.model),
        ...(schema.atomic === true && { 'x-kubernetes-map-type': 'atomic' as const }),
      };
    case 'metadata':
      return { type: 'object' };
    default:
      return schema satisfies never;
  }
}

function textOf({ minLength, maxLength, pattern, values, format, rules }: TextSchema): StructuralSchema {
  return {
    type: 'string',
    ...(format !== undefined && { format }),
    ...(values !== undefined && { enum: values }),
    ...(minLength !== undefined && { minLength }),
    ...(maxLength !== undefined && { maxLength }),
    ...(pattern !== undefined && { pattern }),
    ...validations(rules),
  };
}

function listOf({ items, listType, keys, minItems, maxItems }: ListSchema): StructuralSchema {
  return {
    type: 'array',
    'x-kubernetes-list-type': listType,
    ...(keys !== undefined && { 'x-kubernetes-list-map-keys': keys }),
    ...(minItems !== undefined && { minItems }),
    maxItems,
    items: schemaOf(items),
  };
}

function mapOf({ values, maxProperties, rules }: MapSchema): StructuralSchema {
  return { type: 'object', maxProperties, additionalProperties: textOf(values), ...validations(rules) };
}

function validations<T>(rules: readonly Rule<T>[] = []): Pick<StructuralSchema, 'x-kubernetes-validations'> {
  return rules.length === 0
    ? {}
    : { 'x-kubernetes-validations': rules.map(({ cel, message }) => ({ rule: cel, message })) };
}
