import { renderTextTable, type TextColumn } from '../audit/report/text-table.js';
import type { KeyChange } from './plan-changes.js';
import { PLAN_ACTIONS, type PlanAction, type PlanRow } from './plan-row.js';

const COLUMNS: readonly TextColumn<PlanRow>[] = [
  { title: 'NAMESPACE', text: ({ namespace }) => namespace },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'TARGET', text: ({ targetNamespace }) => targetNamespace },
  { title: 'CONFIGMAP', text: ({ configMap }) => configMap },
  { title: 'ACTION', text: ({ action }) => action, colour: ({ action }) => PLAN_ACTIONS[action] },
  { title: 'DETAILS', text: details },
];

/** For people: one line for each place, and a sum. */
export function renderPlan(rows: readonly PlanRow[], colours: boolean): string {
  const actions = Map.groupBy(rows, ({ action }) => action);
  const sum = Object.keys(PLAN_ACTIONS).flatMap((action) => {
    const count = actions.get(action as PlanAction)?.length ?? 0;
    return count > 0 ? [`${count} ${action}`] : [];
  });
  return `${renderTextTable(rows, COLUMNS, colours)}\nplan: ${sum.join(', ')}; nothing was written\n`;
}

const SIGNS: Record<KeyChange['change'], string> = { added: '+', changed: '~', removed: '-' };
/** More than these are a count: `-o json` names them all. */
const MOST_CHANGES = 12;

function details({ message, changes }: PlanRow): string {
  const shown = changes.slice(0, MOST_CHANGES).map(describeChange);
  if (changes.length > MOST_CHANGES) shown.push(`and ${changes.length - MOST_CHANGES} more`);
  return [message, shown.join(', ')].filter((part) => part !== '').join('; ');
}

function describeChange({ part, key, change, bytesBefore, bytesAfter }: KeyChange): string {
  if (part === 'immutable') return `${SIGNS[change]} ${key}`;
  const what = part === 'data' || part === 'binaryData' ? key : `${part}/${key}`;
  const sizes = new Set([bytesBefore, bytesAfter].filter((size) => size !== null));
  return `${SIGNS[change]} ${what} (${[...sizes].map(bytes).join(' to ')})`;
}

function bytes(count: number): string {
  return count < 1024 ? `${count} B` : `${(count / 1024).toFixed(1)} KiB`;
}
