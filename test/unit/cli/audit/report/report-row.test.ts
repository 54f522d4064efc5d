import { expect } from 'chai';
import { findingsOf, isRefused, rowsOf } from '../../../../../src/cli/audit/report/report-row.js';
import { SINCE, syncWith, target } from '../../../../support/report-fixture.js';

describe('the rows of a report', () => {
  it('show a ConfigMapSync that nobody has looked at yet as Pending in each namespace of its spec', () => {
    const rows = rowsOf(syncWith({ spec: { syncToNamespaces: ['b', 'a'] } }));

    expect(rows.map(({ targetNamespace, state, since }) => [targetNamespace, state, since])).to.deep.equal([
      ['a', 'Pending', SINCE],
      ['b', 'Pending', SINCE],
    ]);
  });

  it('show a ConfigMapSync without any known target once, without a namespace', () => {
    const unseen = rowsOf(syncWith({ spec: { namespaceSelector: {} } }));
    const withoutTargets = rowsOf(syncWith({ targets: [] }));

    expect(unseen.map(({ targetNamespace, state }) => [targetNamespace, state])).to.deep.equal([
      ['', 'Pending'],
    ]);
    expect(withoutTargets).to.have.length(1);
  });

  it('tell of a target that was not judged what stood in the way', () => {
    const sync = syncWith({ targets: [target('foo', 'Pending', { reason: 'NotEvaluated' })] });
    sync.status!.conditions = [
      {
        type: 'Ready',
        status: 'False',
        reason: 'SourceDenied',
        message: 'may not get',
        lastTransitionTime: SINCE,
      },
    ];

    const [row] = rowsOf(sync);

    expect(row).to.include({ state: 'Pending', reason: 'SourceDenied', message: 'may not get' });
    expect(isRefused(row!)).to.equal(true);
  });

  it('tell of visits that fail before anything is found out', () => {
    const sync = syncWith({ spec: { syncToNamespaces: ['foo'] } });
    const message = 'the API server does not answer';
    const ready = { type: 'Ready', status: 'Unknown', lastTransitionTime: SINCE } as const;

    const [failing] = rowsOf({
      ...sync,
      status: { conditions: [{ ...ready, reason: 'SyncFailed', message }] },
    });
    const [early] = rowsOf({
      ...sync,
      status: { conditions: [{ ...ready, reason: 'NotEvaluated', message: 'not looked at yet' }] },
    });

    expect(failing).to.include({ state: 'Pending', reason: 'SyncFailed', message });
    expect(early).to.include({ state: 'Pending', reason: 'NotEvaluated', message: '' });
  });

  it('count Denied and Stale as refused, and no other state', () => {
    const rows = rowsOf(
      syncWith({
        targets: [
          target('a', 'Denied'),
          target('b', 'Stale'),
          target('c', 'Conflict'),
          target('d', 'Failed'),
        ],
      }),
    );

    expect(rows.filter(isRefused).map(({ targetNamespace }) => targetNamespace)).to.deep.equal(['a', 'b']);
  });

  it('are in the order of tenant, name and target, whatever the order of the API server', () => {
    const rows = findingsOf([
      syncWith({ namespace: 'b', targets: [target('x', 'Synced')] }),
      syncWith({ namespace: 'a', name: 'z', targets: [target('y', 'Synced'), target('x', 'Synced')] }),
      syncWith({ namespace: 'a', name: 'y', targets: [target('z', 'Synced')] }),
    ]).flatMap((finding) => finding.rows);

    expect(rows.map((row) => [row.namespace, row.name, row.targetNamespace].join('/'))).to.deep.equal([
      'a/y/z',
      'a/z/x',
      'a/z/y',
      'b/share/x',
    ]);
  });
});
