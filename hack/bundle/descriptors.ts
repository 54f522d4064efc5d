import { fieldsOf, type FieldDefinition, type Model, type Schema } from '../../src/api/schema/schema.js';

/** How OLM's console shows one field of spec or status. */
export interface Descriptor {
  /** Relative to spec or status, such as `source.name`. */
  path: string;
  displayName: string;
  description: string;
  'x-descriptors'?: string[];
}

const UI = 'urn:alm:descriptor:com.tectonic.ui:';
const FIELD_GROUP = `${UI}fieldGroup:`;
const ARRAY_FIELD_GROUP = `${UI}arrayFieldGroup:`;

/** Pickers of the console: each makes a text field a list of that kind's objects. */
const PICKER = 'urn:alm:descriptor:io.kubernetes:';

/** How a value of this shape is edited in a form, or shown in a status. */
type Look = (schema: Schema) => string[];

export const edited: Look = (schema) => {
  if (schema.kind === 'boolean') return [`${UI}booleanSwitch`];
  if (schema.kind !== 'text') return [];
  return schema.values?.map((value) => `${UI}select:${value}`) ?? [`${UI}text`];
};

export const shown: Look = ({ kind }) =>
  kind === 'text' || kind === 'integer' ? ['urn:alm:descriptor:text'] : [];

/**
 * One descriptor for each field of the model, and below a field that is an object for each of its own: the console draws
 * those as one group. What a list holds is described as its item `[0]` where there is a picker for it, since one on the
 * list itself would put a text where a list has to be. Lists of objects have no forms, so nothing below them is described.
 */
export function descriptorsOf(model: Model, look: Look): Descriptor[] {
  return [...fieldsOf(model).values()].flatMap((field) => {
    const { name, schema } = field;
    if (schema.kind === 'list' && schema.items.kind === 'text') return describeList(field);
    if (schema.kind !== 'object') return [descriptor(name, field, look(schema))];
    const group = `${FIELD_GROUP}${name}`;
    const children = [...fieldsOf(schema.model).values()];
    return [
      descriptor(name, field, [group]),
      ...children.map((child) => descriptor(`${name}.${child.name}`, child, [group, ...look(child.schema)])),
    ];
  });
}

function describeList(field: FieldDefinition): Descriptor[] {
  const { name, displayName, xDescriptors = [] } = field;
  const group = `${ARRAY_FIELD_GROUP}${name}`;
  const pickers = xDescriptors.filter((urn) => urn.startsWith(PICKER));
  const ofList = xDescriptors.filter((urn) => !pickers.includes(urn));
  const list = descriptor(name, { ...field, xDescriptors: ofList }, [group]);
  if (pickers.length === 0) return [list];
  const one = { ...field, displayName: displayName.replace(/s$/, ''), xDescriptors: pickers };
  return [list, descriptor(`${name}[0]`, one, [group])];
}

function descriptor(
  path: string,
  { displayName, description, xDescriptors = [] }: FieldDefinition,
  groups: readonly string[],
): Descriptor {
  const all = [...groups, ...xDescriptors];
  return { path, displayName, description, ...(all.length > 0 && { 'x-descriptors': all }) };
}
