import type { ConflictPolicy } from '../api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMap } from './config-map.js';
import type { CopyTemplate } from './copy-template.js';
import { markedOwner, mayRemove, ownershipOf, type IsLiving, type Owner } from './ownership.js';

/** What one target needs, given what is there. */
export type CopyPlan =
  | { action: 'create'; desired: ConfigMap }
  | { action: 'update'; desired: ConfigMap }
  /** Delete `existing` and create: the only way to change an immutable ConfigMap. */
  | { action: 'replace'; existing: ConfigMap; desired: ConfigMap }
  | { action: 'none'; existing: ConfigMap }
  | { action: 'conflict'; holder: string };

export interface PlanOptions {
  template: CopyTemplate;
  namespace: string;
  owner: Owner;
  /** `namespace/name` of the source. */
  source: string;
  conflictPolicy: ConflictPolicy;
  isLiving: IsLiving;
}

export function planCopy(existing: ConfigMap | undefined, options: PlanOptions): CopyPlan {
  const { template, namespace, owner, source, conflictPolicy, isLiving } = options;
  if (existing === undefined) return { action: 'create', desired: template.create(namespace) };

  const ownership = ownershipOf(existing.metadata, owner, source, isLiving);
  if (ownership === 'other') {
    const holder = markedOwner(existing.metadata);
    return { action: 'conflict', holder: `ConfigMapSync ${holder?.namespace ?? ''}/${holder?.name ?? ''}` };
  }
  if (ownership === 'foreign' && conflictPolicy === 'Fail') {
    return { action: 'conflict', holder: 'somebody else' };
  }
  if (template.matches(existing)) return { action: 'none', existing };
  if (template.needsReplacement(existing)) {
    // To replace is to delete, for which the label alone, that anybody may forge, is not enough.
    const forged = ownership === 'own' && !mayRemove(existing.metadata, owner);
    if (forged && conflictPolicy === 'Fail') return { action: 'conflict', holder: 'somebody else' };
    const { labels, annotations } = existing.metadata;
    const survivors = {
      name: template.name,
      namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    };
    return { action: 'replace', existing, desired: template.apply(survivors) };
  }
  return { action: 'update', desired: template.apply(existing.metadata) };
}
