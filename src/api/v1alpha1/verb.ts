/** What the operator does to ConfigMaps with a tenant's rights, in the order in which `missingVerbs` names them. */
export const VERBS = ['get', 'create', 'update', 'delete'] as const;
export type Verb = (typeof VERBS)[number];
