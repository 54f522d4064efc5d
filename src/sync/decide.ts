import type { ConflictPolicy } from '../api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMap } from './config-map.js';
import type { CopyTemplate } from './copy-template.js';
import { markedOwner, mayBeCopy, ownershipOf, type OwnershipContext } from './ownership.js';

/** What one target needs, given what is observed. */
export type Decision =
  | { action: 'create'; desired: ConfigMap }
  | { action: 'update'; existing: ConfigMap; desired: ConfigMap; isOwn: boolean }
  /** Delete `existing` and create: the only way to change an immutable ConfigMap. */
  | { action: 'replace'; existing: ConfigMap; desired: ConfigMap; isOwn: boolean }
  | { action: 'none'; existing: ConfigMap }
  | { action: 'conflict'; holder: string };

export interface DecideOptions extends OwnershipContext {
  template: CopyTemplate;
  namespace: string;
  conflictPolicy: ConflictPolicy;
}

const NOBODY_WE_KNOW = 'somebody else';

/** @param existing The ConfigMap of the copy's name; undefined where there is none. */
export function decide(existing: ConfigMap | undefined, options: DecideOptions): Decision {
  const { template, namespace, conflictPolicy } = options;
  if (existing === undefined) return { action: 'create', desired: template.create(namespace) };

  const ownership = ownershipOf(existing.metadata, options);
  if (ownership === 'other') {
    const holder = markedOwner(existing.metadata);
    return { action: 'conflict', holder: `ConfigMapSync ${holder?.namespace ?? ''}/${holder?.name ?? ''}` };
  }
  const matches = template.matches(existing);
  // What equals a copy in everything is one of which a status was never written, or as good as one.
  const isCopy = ownership === 'unrecorded' && matches && mayBeCopy(existing.metadata, options.owner);
  const isForeign = ownership === 'foreign' || (ownership === 'unrecorded' && !isCopy);
  if (isForeign && conflictPolicy === 'Fail') return { action: 'conflict', holder: NOBODY_WE_KNOW };
  if (matches) return { action: 'none', existing };
  const isOwn = ownership === 'own';
  if (template.needsReplacement(existing)) {
    // To replace is to delete, for which marks, that anybody with `update` may write, are not enough.
    if (ownership === 'heir' && conflictPolicy === 'Fail') {
      return { action: 'conflict', holder: NOBODY_WE_KNOW };
    }
    const { labels = {}, annotations = {} } = existing.metadata;
    const survivors = { name: template.name, namespace, labels, annotations };
    return { action: 'replace', existing, desired: template.apply(survivors), isOwn };
  }
  return { action: 'update', existing, desired: template.apply(existing.metadata), isOwn };
}
