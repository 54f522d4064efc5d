import 'reflect-metadata';
import { Transform, Type } from 'class-transformer';
import { IsOptional, ValidateBy, ValidateNested } from 'class-validator';
import { problemOf, ruleProblemOf } from './problem.js';
import { addField, type FieldDefinition, type Model, type Schema } from './schema.js';
import { unseal } from './complete.js';

/** How OLM's console shows a field, beyond what its schema tells: https://github.com/openshift/console, x-descriptors. */
export const SHOW = {
  advanced: 'urn:alm:descriptor:com.tectonic.ui:advanced',
  configMap: 'urn:alm:descriptor:io.kubernetes:ConfigMap',
  namespace: 'urn:alm:descriptor:io.kubernetes:Namespace',
  serviceAccount: 'urn:alm:descriptor:io.kubernetes:ServiceAccount',
  conditions: 'urn:alm:descriptor:io.kubernetes.conditions',
};

/** `displayName` is made of the property's name where it is left out. */
export type FieldOptions = Omit<FieldDefinition, 'name' | 'schema' | 'displayName'> &
  Partial<Pick<FieldDefinition, 'displayName'>>;

/** Names of the class-validator constraints that {@link Field} registers: a wrong shape, a broken rule. */
export const SHAPE = 'shape';
export const RULE = 'rule';

/** Declares a property of a model, once for everybody: see docs/design/0021-models.md. Put it on `declare`d properties. */
export function Field(schema: Schema, options: FieldOptions): (prototype: object, key: string) => void {
  return (prototype, key) => {
    const displayName = key.charAt(0).toUpperCase() + key.slice(1).replace(/[A-Z]/g, ' $&');
    addField(prototype.constructor as Model, { displayName, ...options, name: key, schema });
    const model = modelOf(schema);
    const decorators = [
      ...(options.required === true ? [] : [IsOptional()]),
      Constraint(SHAPE, (value) => problemOf(schema, unseal(value))),
      ...(model === undefined ? [LEAF] : branch(schema, model)),
    ];
    for (const decorate of decorators) decorate(prototype, key);
  };
}

const LEAF = Transform(({ obj, key }) => unseal(valueOf(obj, key)), { toClassOnly: true });

function branch(schema: Schema, model: Model): PropertyDecorator[] {
  return [
    Type(() => model),
    // What came sealed here has the wrong shape: it stays sealed, so that nobody reads into it.
    Transform(
      ({ obj, key, value }) =>
        typeof valueOf(obj, key) === 'function' ? valueOf(obj, key) : (value as unknown),
      { toClassOnly: true },
    ),
    ValidateNested(),
    Constraint(RULE, (value) => ruleProblemOf(schema, value)),
  ];
}

function valueOf(obj: unknown, key: string): unknown {
  return (obj as Record<string, unknown>)[key];
}

function modelOf(schema: Schema): Model | undefined {
  if (schema.kind === 'list') return modelOf(schema.items);
  return schema.kind === 'object' ? schema.model : undefined;
}

function Constraint(name: string, problem: (value: unknown) => string | undefined): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value) => problem(value) === undefined,
      defaultMessage: (context) => problem(context?.value) ?? '',
    },
  });
}
