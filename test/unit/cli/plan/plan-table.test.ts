import { expect } from 'chai';
import type { KeyChange } from '../../../../src/cli/plan/plan-changes.js';
import { renderPlan, type PlanRow } from '../../../../src/cli/plan/plan-table.js';

const ROW: PlanRow = {
  namespace: 'team-a',
  name: 'share',
  serviceAccount: 'sharer',
  targetNamespace: 'foo',
  configMap: 'settings',
  action: 'update',
  reason: 'OutOfStep',
  message: '',
  missingVerbs: [],
  changes: [],
};

function change(key: string, bytesBefore: number | null, bytesAfter: number | null): KeyChange {
  const kind = bytesBefore === null ? 'added' : bytesAfter === null ? 'removed' : 'changed';
  return { part: 'data', key, change: kind, bytesBefore, bytesAfter };
}

describe('a plan as a table', () => {
  it('shows each place with its action, and the sum of all', () => {
    const rows: PlanRow[] = [
      { ...ROW, changes: [change('a', null, 3), change('b', 10, 2048), change('c', 5, null)] },
      { ...ROW, targetNamespace: 'prod', action: 'denied', message: 'the ServiceAccount lacks create' },
    ];

    expect(renderPlan(rows, false).split('\n')).to.deep.equal([
      'NAMESPACE   NAME    TARGET   CONFIGMAP   ACTION   DETAILS',
      'team-a      share   foo      settings    update   + a (3 B), ~ b (10 B to 2.0 KiB), - c (5 B)',
      'team-a      share   prod     settings    denied   the ServiceAccount lacks create',
      '',
      'plan: 1 update, 1 denied; nothing was written',
      '',
    ]);
  });

  it('counts the keys that would not fit on a line', () => {
    const changes = Array.from({ length: 20 }, (_, index) => change(`key-${index}`, null, 1));

    expect(renderPlan([{ ...ROW, changes }], false)).to.contain('+ key-11 (1 B), and 8 more');
  });
});
