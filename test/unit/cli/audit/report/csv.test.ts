import { expect } from 'chai';
import { renderCsv } from '../../../../../src/cli/audit/report/csv.js';
import { rowsOf } from '../../../../../src/cli/audit/report/report-row.js';
import { refused, SINCE, syncWith, target } from '../../../../support/report-fixture.js';

describe('the report as CSV', () => {
  it('has a header, a line for each row, and CRLF after each line', () => {
    const rows = rowsOf(
      syncWith({ targets: [target('foo', 'Synced'), refused('prod', ['create', 'update'])] }),
    );

    expect(renderCsv(rows)).to.equal(
      [
        'namespace,name,serviceAccount,targetNamespace,state,reason,missingVerbs,since',
        `team-a,share,sharer,foo,Synced,ConfigMapSynced,,${SINCE}`,
        `team-a,share,sharer,prod,Denied,MissingPermissions,create update,${SINCE}`,
        '',
      ].join('\r\n'),
    );
  });

  it('quotes a cell with a comma, a quote or a line break, and doubles the quotes in it', () => {
    const rows = rowsOf(syncWith({ targets: [target('foo', 'Failed', { reason: 'a,"b"\nc' })] }));

    expect(renderCsv(rows)).to.contain(',"a,""b""\nc",');
  });

  for (const start of ['=', '+', '-', '@', '\t', '\r', '\n', '＝']) {
    it(`makes text of a cell that begins with ${JSON.stringify(start)}, which a spreadsheet would run`, () => {
      const rows = rowsOf(
        syncWith({ targets: [target('foo', 'Failed', { reason: `${start}HYPERLINK(1)` })] }),
      );

      expect(renderCsv(rows)).to.match(new RegExp(`,"?'\\${start}HYPERLINK`));
    });
  }

  it('is a header alone where there is no row', () => {
    expect(renderCsv([]).split('\r\n')).to.have.length(2);
  });
});
