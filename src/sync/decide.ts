import type { ConflictPolicy } from '../api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMap, ConfigMapMetadata, CopyBody } from './config-map.js';
import type { CopyTemplate } from './copy-template.js';
import { markedOwner, mayBeCopy, ownershipOf, type OwnershipContext } from './ownership.js';

/** What one target needs, given what is observed. It holds no content of what exists: many wait for their writes. */
export type Decision =
  | { action: 'create'; desired: CopyBody }
  /** `replace`: delete `existing` and create, the only way to change an immutable ConfigMap. */
  | { action: 'update' | 'replace'; existing: ConfigMapMetadata; desired: CopyBody; isOwn: boolean }
  | { action: 'none'; existing: ConfigMapMetadata }
  | { action: 'conflict'; holder: string };

export interface DecideOptions extends OwnershipContext {
  template: CopyTemplate;
  namespace: string;
  conflictPolicy: ConflictPolicy;
}

const NOBODY_WE_KNOW = 'somebody else';

/** @param found The ConfigMap of the copy's name; undefined where there is none. */
export function decide(found: ConfigMap | undefined, options: DecideOptions): Decision {
  const { template, namespace, conflictPolicy } = options;
  if (found === undefined) return { action: 'create', desired: template.create(namespace) };

  const existing = found.metadata;
  const ownership = ownershipOf(existing, options);
  if (ownership === 'other') {
    const holder = markedOwner(existing);
    return { action: 'conflict', holder: `ConfigMapSync ${holder?.namespace ?? ''}/${holder?.name ?? ''}` };
  }
  const matches = template.matches(found);
  // What equals a copy in everything is one of which a status was never written, or as good as one.
  const isCopy = ownership === 'unrecorded' && matches && mayBeCopy(existing, options.owner);
  const isForeign = ownership === 'foreign' || (ownership === 'unrecorded' && !isCopy);
  if (isForeign && conflictPolicy === 'Fail') return { action: 'conflict', holder: NOBODY_WE_KNOW };
  if (matches) return { action: 'none', existing };
  const isOwn = ownership === 'own';
  if (template.needsReplacement(found)) {
    // To replace is to delete, for which marks, that anybody with `update` may write, are not enough.
    if (ownership === 'heir' && conflictPolicy === 'Fail') {
      return { action: 'conflict', holder: NOBODY_WE_KNOW };
    }
    const { labels = {}, annotations = {} } = existing;
    const survivors = { name: template.name, namespace, labels, annotations };
    return { action: 'replace', existing, desired: template.apply(survivors), isOwn };
  }
  return { action: 'update', existing, desired: template.apply(existing), isOwn };
}
