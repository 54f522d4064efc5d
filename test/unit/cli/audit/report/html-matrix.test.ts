import { expect } from 'chai';
import { matrixOf } from '../../../../../src/cli/audit/report/html-matrix.js';
import { rowsOf, type SyncFindings } from '../../../../../src/cli/audit/report/report-row.js';
import { refused, syncWith, target } from '../../../../support/report-fixture.js';
import type { TargetStatus } from '../../../../../src/api/v1alpha1/config-map-sync-status.js';

function findings(...targets: TargetStatus[][]): SyncFindings[] {
  return targets
    .map((list, index) => syncWith({ name: `sync-${index}`, targets: list }))
    .map((sync) => ({ sync, rows: rowsOf(sync) }));
}

describe('the matrix of a report', () => {
  it('has every ConfigMapSync and every target namespace where there is room', () => {
    const matrix = matrixOf(findings([target('b', 'Synced')], [target('a', 'Synced')], []));

    expect(matrix.extent).to.equal('everything');
    expect(matrix.namespaces).to.deep.equal(['a', 'b']);
    expect(matrix.lines.map(({ cells }) => [...cells.keys()])).to.deep.equal([['b'], ['a'], []]);
  });

  it('keeps what is refused somewhere where all would be too much', () => {
    const matrix = matrixOf(findings([target('a', 'Synced'), refused('b')], [target('c', 'Synced')]), 4);

    expect(matrix.extent).to.equal('refused');
    expect(matrix.namespaces).to.deep.equal(['b']);
    expect(matrix.lines.map(({ sync }) => sync.metadata.name)).to.deep.equal(['sync-0']);
  });

  it('keeps where most is refused where that is too much still', () => {
    const matrix = matrixOf(findings([refused('a'), refused('b')], [refused('b'), refused('c')]), 2);

    expect(matrix.extent).to.equal('most refused');
    expect(matrix.namespaces).to.deep.equal(['b']);
    expect(matrix.lines).to.have.length(2);
  });
});
