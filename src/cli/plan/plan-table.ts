import type { TargetFinding } from '../../reporting/finding.js';
import { renderTextTable, type TextColumn } from '../audit/report/text-table.js';
import type { Colour } from '../terminal.js';
import type { KeyChange } from './plan-changes.js';

/** What may happen in one place, with its colour in a table, in the order of the sum. */
const PLAN_ACTIONS = {
  create: 'green',
  update: 'yellow',
  /** Deleted and created: an immutable ConfigMap takes no other content. */
  replace: 'yellow',
  delete: 'red',
  /** Kept as a ConfigMap of nobody, under `deletionPolicy: Orphan`. */
  release: 'yellow',
  unchanged: 'dim',
  denied: 'red',
  conflict: 'red',
  /** The namespace is not there, or not for long. */
  wait: 'dim',
  /** The API server would refuse it: quota, admission, size. */
  failed: 'red',
  /** The source's own place. */
  skip: 'dim',
  /** Nothing is done anywhere: identity, source or `spec.suspend` stand in the way. */
  blocked: 'red',
} as const satisfies Record<string, Colour>;

export type PlanAction = keyof typeof PLAN_ACTIONS;

/** What would happen in one place. Scripts rely on the fields of `-o json`, which are these. */
export interface PlanRow extends Omit<TargetFinding, 'state' | 'since'> {
  /** '' where there is no target to speak of. */
  targetNamespace: string;
  /** Name of the copy. */
  configMap: string;
  action: PlanAction;
  message: string;
  changes: KeyChange[];
}

/** What a row says beside whose it is and where. */
export type PlanVerdict = Pick<PlanRow, 'action' | 'reason'> &
  Partial<Pick<PlanRow, 'message' | 'missingVerbs' | 'changes'>>;

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
