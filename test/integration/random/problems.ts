import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import { copyProblems } from './copy-problems.js';
import {
  copyNameOf,
  isSkipping,
  isWantedPlace,
  marksOf,
  mayCloseLoop,
  selected,
  sourceOf,
} from './meaning.js';
import { expectationOf, mustGo } from './model.js';
import { configMapAt, type WorldView } from './world-view.js';

/** Everything in which the world is not as the model says, in words; empty where all is well. */
export function problemsOf(view: WorldView): string[] {
  return [
    ...view.syncs.flatMap((sync) => [
      ...statusProblems(sync, view),
      ...copiesProblems(sync, view).map((problem) => `${nameOf(sync)}: ${problem}`),
    ]),
    ...view.configMaps.flatMap((configMap) => strayProblems(configMap, view)),
  ];
}

function statusProblems(sync: ConfigMapSync, view: WorldView): string[] {
  const { status = {}, metadata } = sync;
  const problems: string[] = [];
  const say = (problem: string): void => void problems.push(`${nameOf(sync)}: ${problem}`);
  if (metadata.deletionTimestamp !== undefined) return [`${nameOf(sync)}: is still being deleted`];

  const { ready, targets } = expectationOf(sync, view);
  const condition = status.conditions?.find(({ type }) => type === 'Ready');
  const looped = selected(sync, view).some((namespace) => mayCloseLoop(sync, namespace, view));
  if (status.observedGeneration !== metadata.generation) say('status is of an earlier generation');
  const mayFail = looped || [...targets.values()].some(([, other]) => other === 'Failed');
  if (
    condition?.reason !== ready &&
    !(mayFail && ready === 'ReconciliationComplete' && condition?.reason === 'SomeTargetsNotSynced')
  )
    say(`Ready is ${condition?.status}/${condition?.reason}, not ${ready}`);
  if ((condition?.status === 'True') !== (condition?.reason === 'ReconciliationComplete'))
    say('Ready contradicts itself');
  if (ready === 'Suspended') return problems;

  const lines = status.targets ?? [];
  for (const [namespace, states] of targets) {
    const line = lines.find((target) => target.namespace === namespace);
    const gaveWay = line?.reason === 'Loop' && mayCloseLoop(sync, namespace, view);
    if (line === undefined) say(`status has no line for ${namespace}`);
    else if (!gaveWay && !states.includes(line.state))
      say(`${namespace} is ${line.state}/${line.reason} (${line.message ?? ''}), not ${states.join(' or ')}`);
  }
  const skipping = isSkipping(sync, view);
  for (const { namespace, state, reason } of lines) {
    if (targets.has(namespace)) continue;
    if (state === 'Skipped' && skipping && namespace === sourceOf(sync).namespace) continue;
    if (!leftIn(namespace, sync, view)) say(`status has a line for ${namespace}: ${state}/${reason}`);
  }
  const wanted = lines.filter((line) => targets.has(line.namespace));
  const synced = wanted.filter(({ state }) => state === 'Synced').length;
  const denied = lines.filter(({ state }) => state === 'Denied' || state === 'Stale').length;
  const counts = [status.wantedTargets, status.syncedTargets, status.deniedTargets, status.summary];
  const expected = [targets.size, synced, denied, `${synced}/${targets.size}`];
  if (counts.join() !== expected.join()) say(`counts are ${counts.join()}, not ${expected.join()}`);
  return problems;
}

/** True where a copy of it may be known to be left, or nobody can tell. */
function leftIn(namespace: string, sync: ConfigMapSync, view: WorldView): boolean {
  const account = { namespace: sync.metadata.namespace ?? '', name: sync.spec.serviceAccount.name };
  if (!view.accountExists(account)) return true;
  const rights = view.rights(account, namespace);
  if (!rights.has('get') && !rights.has('list')) return true;
  return view.configMaps.some(
    (configMap) =>
      configMap.metadata.namespace === namespace &&
      marksOf(configMap, view.syncs).uid === sync.metadata.uid &&
      !isWantedPlace(configMap, sync, view),
  );
}

function copiesProblems(sync: ConfigMapSync, view: WorldView): string[] {
  const { targets } = expectationOf(sync, view);
  const source = sourceOf(sync);
  const original = configMapAt(view, source.namespace, source.name);
  if (sync.spec.suspend || original === undefined) return [];
  return [...targets]
    .filter(([, states]) => states.length === 1 && states[0] === 'Synced')
    .flatMap(([namespace]) => {
      const line = sync.status?.targets?.find((target) => target.namespace === namespace);
      if (line?.reason === 'Loop' && mayCloseLoop(sync, namespace, view)) return [];
      const copy = configMapAt(view, namespace, copyNameOf(sync));
      if (copy === undefined) return [`there is no copy in ${namespace}`];
      return copyProblems(copy, original, sync, view).map((problem) => `copy in ${namespace}: ${problem}`);
    });
}

/** Copies that should not be where they are, of the living and of the dead. */
function strayProblems(configMap: ConfigMapObject, view: WorldView): string[] {
  const { namespace, name } = configMap.metadata;
  const { uid, living, complete } = marksOf(configMap, view.syncs);
  if (uid === '') return [];
  const sync = view.syncs.find(({ metadata }) => metadata.uid === uid);
  if (sync !== undefined) {
    return complete && mustGo(configMap, sync, view)
      ? [`${nameOf(sync)}: its copy ${namespace}/${name} should be gone`]
      : [];
  }
  return living || view.mayBeLeftBehind(uid, configMap)
    ? []
    : [`${namespace}/${name} is a copy of a ConfigMapSync that is gone (${uid})`];
}

function nameOf({ metadata }: ConfigMapSync): string {
  return `${metadata.namespace}/${metadata.name}`;
}
