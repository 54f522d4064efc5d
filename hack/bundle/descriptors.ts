import { fieldsOf, type FieldDefinition, type Model } from '../../src/api/schema/schema.js';

/** How OLM's console shows one field of spec or status. */
export interface Descriptor {
  /** Relative to spec or status, such as `source.name`. */
  path: string;
  displayName: string;
  description: string;
  'x-descriptors'?: string[];
}

const FIELD_GROUP = 'urn:alm:descriptor:com.tectonic.ui:fieldGroup:';
const ARRAY_FIELD_GROUP = 'urn:alm:descriptor:com.tectonic.ui:arrayFieldGroup:';

/** Pickers of the console: each makes a text field a list of that kind's objects. */
const PICKER = 'urn:alm:descriptor:io.kubernetes:';

/**
 * One descriptor for each field of the model, and below a field that is an object for each of its own that has a name
 * to show: the console draws those as one group. What a list holds is described as its item `[0]` where there is a picker
 * for it, since one on the list itself would put a text where a list has to be. Lists of objects have no forms, so
 * nothing below them is described.
 * @throws TypeError for a field of the model itself that has no display name: the scorecard asks for every one
 */
export function descriptorsOf(model: Model): Descriptor[] {
  return [...fieldsOf(model).values()].flatMap((field) => {
    if (field.displayName === undefined) {
      throw new TypeError(`${model.name}.${field.name} has no displayName, which the console shows`);
    }
    const { schema } = field;
    if (schema.kind === 'list' && schema.items.kind === 'text') {
      return describeList(field, field.displayName);
    }
    if (schema.kind !== 'object') return [descriptor(field.name, field, field.displayName, [])];
    const group = `${FIELD_GROUP}${field.name}`;
    const children = [...fieldsOf(schema.model).values()].flatMap((child) =>
      child.displayName === undefined
        ? []
        : [descriptor(`${field.name}.${child.name}`, child, child.displayName, [group])],
    );
    return [descriptor(field.name, field, field.displayName, [group]), ...children];
  });
}

function describeList(field: FieldDefinition, displayName: string): Descriptor[] {
  const { name, xDescriptors = [] } = field;
  const group = `${ARRAY_FIELD_GROUP}${name}`;
  const pickers = xDescriptors.filter((urn) => urn.startsWith(PICKER));
  const ofList = xDescriptors.filter((urn) => !pickers.includes(urn));
  const list = descriptor(name, { ...field, xDescriptors: ofList }, displayName, [group]);
  if (pickers.length === 0) return [list];
  const one = { ...field, xDescriptors: pickers };
  return [list, descriptor(`${name}[0]`, one, displayName.replace(/s$/, ''), [group])];
}

function descriptor(
  path: string,
  { description, xDescriptors = [] }: FieldDefinition,
  displayName: string,
  groups: readonly string[],
): Descriptor {
  const all = [...groups, ...xDescriptors];
  return { path, displayName, description, ...(all.length > 0 && { 'x-descriptors': all }) };
}
