import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { TargetState } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import { copyProblems } from './copy-problems.js';
import {
  copyNameOf,
  isHeirOf,
  isWantedPlace,
  marksOf,
  removalOf,
  sameContent,
  selected,
  sourceOf,
} from './meaning.js';
import { configMapAt, type WorldView } from './world-view.js';

/** What should be: for Ready its reason, for each wanted target the states that it may be in. */
export interface Expectation {
  ready: string;
  targets: Map<string, readonly TargetState[]>;
}

/** The model. Who came first to a place shows in whose copy is there, so that the past need not be known. */
export function expectationOf(sync: ConfigMapSync, view: WorldView): Expectation {
  const { spec } = sync;
  const account = { namespace: sync.metadata.namespace ?? '', name: spec.serviceAccount.name };
  const source = sourceOf(sync);
  const wanted = selected(sync, view);
  const all = (ready: string, ...states: TargetState[]): Expectation => ({
    ready,
    targets: new Map(wanted.map((namespace) => [namespace, states])),
  });

  if (spec.suspend) return all('Suspended');
  if (!view.accountExists(account)) {
    // Nobody without a grant is told whether there is an account: it went with the namespace, which came anew.
    const reason = view.tokenGranted(account) ? 'ServiceAccountNotFound' : 'TokenRequestDenied';
    return all(reason, 'Stale', 'Pending');
  }
  if (!view.rights(account, source.namespace).has('get')) return all('SourceDenied', 'Stale', 'Pending');
  const original = configMapAt(view, source.namespace, source.name);
  if (original === undefined) {
    const reason = view.namespaces.has(source.namespace) ? 'ConfigMapNotFound' : 'SourceNamespaceNotFound';
    return spec.sourceDeletionPolicy === 'Delete' ? all(reason, 'Pending', 'Failed') : all(reason, 'Pending');
  }

  const needed = ['get', 'create', 'update', ...(spec.deletionPolicy === 'Delete' ? ['delete'] : [])];
  const stateIn = (namespace: string): readonly TargetState[] => {
    const missing = needed.filter((verb) => !view.rights(account, namespace).has(verb));
    const there = configMapAt(view, namespace, copyNameOf(sync));
    const whose = marksOf(there, view.syncs);
    const ours = whose.uid === sync.metadata.uid;
    // Who may not look goes by what was last known.
    if (missing.includes('get')) return ['Denied', 'Stale'];
    if (missing.length > 0) return [ours ? 'Stale' : 'Denied'];
    if (!view.namespaces.has(namespace)) return ['NamespaceNotFound'];
    const written = (): readonly TargetState[] => writtenStates(sync, namespace, original, view);
    if (there === undefined || isHeirOf(there, sync)) return whose.living && !ours ? ['Conflict'] : written();
    if (!ours && (whose.living || spec.conflictPolicy === 'Fail')) return ['Conflict'];
    // With the label alone it may be written as ours but not be deleted, so an immutable one cannot be replaced.
    const forged = ours && !whose.complete && spec.conflictPolicy === 'Fail';
    if (forged && there.immutable === true && !sameContent(there, original, spec.keys)) return ['Conflict'];
    return written();
  };
  const targets = new Map(wanted.map((namespace) => [namespace, stateIn(namespace)]));
  const states = [...targets.values()].map(([state]) => state);
  if (states.some((state) => state === 'Denied' || state === 'Stale'))
    return { ready: 'MissingPermissions', targets };
  if (states.length === 0) return { ready: 'NoTargets', targets };
  const inStep = states.every((state) => state === 'Synced');
  return { ready: inStep ? 'ReconciliationComplete' : 'SomeTargetsNotSynced', targets };
}

/**
 * How a target stands that may be written: in step, unless a policy or a quota refuses what it takes. Then it failed, and
 * what is there stays as it is.
 */
function writtenStates(
  sync: ConfigMapSync,
  namespace: string,
  original: ConfigMapObject,
  view: WorldView,
): readonly TargetState[] {
  const refused = view.refused(namespace);
  const needed = (): ('CREATE' | 'UPDATE' | 'DELETE')[] => {
    const there = configMapAt(view, namespace, copyNameOf(sync));
    if (there === undefined) return ['CREATE'];
    if (there.immutable === true && !sameContent(there, original, sync.spec.keys))
      return ['CREATE', 'DELETE'];
    return copyProblems(there, original, sync, view).length > 0 ? ['UPDATE'] : [];
  };
  if (needed().some((operation) => refused.has(operation))) return ['Failed'];
  // Labels of an earlier life may be on the copy, which are not told from those of others; or a former copy stays.
  const mayFail =
    (refused.has('UPDATE') && view.releasedBefore) ||
    (refused.has(removalOf(sync)) && hasFormerCopy(sync, namespace, view));
  return mayFail ? ['Synced', 'Failed'] : ['Synced'];
}

/** True where a copy of another name is in that namespace, whether the operator knows of it or not. */
function hasFormerCopy(sync: ConfigMapSync, namespace: string, view: WorldView): boolean {
  return view.configMaps.some(
    (other) =>
      other.metadata.namespace === namespace &&
      other.metadata.name !== copyNameOf(sync) &&
      marksOf(other, view.syncs).uid === sync.metadata.uid,
  );
}

/**
 * True where a copy of this living owner may be in a place where it is not wanted (any more): it could not be found, or
 * not be removed, or its successor is not in step yet.
 */
export function mayStay(copy: ConfigMapObject, sync: ConfigMapSync, view: WorldView): boolean {
  const { namespace, name } = copy.metadata;
  const { spec } = sync;
  const account = { namespace: sync.metadata.namespace ?? '', name: spec.serviceAccount.name };
  const source = sourceOf(sync);
  if (source.namespace === namespace && source.name === name) return true;
  if (spec.suspend || !view.accountExists(account)) return true;
  // Without its source it is deleted, whatever becomes of it otherwise.
  const sourceless = configMapAt(view, source.namespace, source.name) === undefined;
  const removal = sourceless && spec.sourceDeletionPolicy === 'Delete' ? 'DELETE' : removalOf(sync);
  if (view.refused(namespace).has(removal)) return true;
  const rights = view.rights(account, namespace);
  const removing = spec.deletionPolicy === 'Delete' ? ['delete'] : ['get', 'update'];
  if (!removing.every((verb) => rights.has(verb)) || !(rights.has('get') || rights.has('list'))) return true;
  if (!rights.has('list') && (view.namesForgotten || !rights.has('get'))) return true;
  const { ready, targets } = expectationOf(sync, view);
  const states = targets.get(namespace);
  // A target of another name now: the old copy goes when the new one can be written.
  if (states !== undefined && !states.some((state) => state === 'Synced' || state === 'Conflict')) {
    return !(ready.endsWith('NotFound') && spec.sourceDeletionPolicy === 'Delete');
  }
  return false;
}

/** True where the copy at its right place may not be there: its source is gone, and it goes with it. */
export function mustGo(copy: ConfigMapObject, sync: ConfigMapSync, view: WorldView): boolean {
  if (!isWantedPlace(copy, sync, view)) return !mayStay(copy, sync, view);
  const { ready } = expectationOf(sync, view);
  if (ready !== 'ConfigMapNotFound' && ready !== 'SourceNamespaceNotFound') return false;
  const account = { namespace: sync.metadata.namespace ?? '', name: sync.spec.serviceAccount.name };
  const rights = view.rights(account, copy.metadata.namespace);
  const refused = view.refused(copy.metadata.namespace).has('DELETE');
  const removable = rights.has('delete') && rights.has('get') && !refused;
  return sync.spec.sourceDeletionPolicy === 'Delete' && removable;
}
