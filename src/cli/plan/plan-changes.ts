import { MANAGED_BY_LABEL, RESERVED_PREFIX } from '../../api/v1alpha1/well-known.js';
import { configMapJson, type ConfigMap, type CopyBody } from '../../sync/config-map.js';

/** What happens to one key of a copy. Values are told by their size alone: they are nobody's business here. */
export interface KeyChange {
  part: 'data' | 'binaryData' | 'labels' | 'annotations' | 'immutable';
  key: string;
  change: 'added' | 'changed' | 'removed';
  /** null where there is none. */
  bytesBefore: number | null;
  bytesAfter: number | null;
}

type Values = Record<string, string> | undefined;

/** From what is there to what would be there. Our own marks on a copy are left out. */
export function changesBetween(before: ConfigMap | undefined, desired: CopyBody): KeyChange[] {
  const after = JSON.parse(String(configMapJson(desired))) as ConfigMap;
  return [
    ...keyChanges('data', before?.data, after.data),
    ...keyChanges('binaryData', before?.binaryData, after.binaryData),
    ...keyChanges('labels', before?.metadata.labels, after.metadata.labels),
    ...keyChanges('annotations', before?.metadata.annotations, after.metadata.annotations),
    ...keyChanges('immutable', immutability(before), immutability(after)),
  ];
}

function keyChanges(part: KeyChange['part'], before: Values = {}, after: Values = {}): KeyChange[] {
  const size = (values: Record<string, string>, key: string): number | null =>
    Object.hasOwn(values, key)
      ? Buffer.byteLength(values[key] ?? '', part === 'binaryData' ? 'base64' : 'utf8')
      : null;
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => key !== MANAGED_BY_LABEL && !key.startsWith(RESERVED_PREFIX))
    .filter((key) => before[key] !== after[key])
    .sort()
    .map((key) => {
      const [bytesBefore, bytesAfter] = [size(before, key), size(after, key)];
      const change = bytesBefore === null ? 'added' : bytesAfter === null ? 'removed' : 'changed';
      return { part, key, change, bytesBefore, bytesAfter };
    });
}

function immutability(configMap: ConfigMap | undefined): Values {
  return configMap?.immutable === true ? { immutable: 'true' } : {};
}
