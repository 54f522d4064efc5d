import { expect } from 'chai';
import { rowsOf } from '../../../../../src/cli/audit/report/report-row.js';
import { renderTable, renderCsv, renderJson } from '../../../../../src/cli/audit/report/text-formats.js';
import { wantsColours } from '../../../../../src/cli/audit/report/text-table.js';
import { refused, SINCE, syncWith, target } from '../../../../support/report-fixture.js';

const COLOUR = '\u001b[';

describe('the report as a table', () => {
  it('aligns its columns and shows "-" for nothing', () => {
    const rows = rowsOf(
      syncWith({ targets: [target('foo', 'Synced'), refused('production', ['get', 'create'])] }),
    );

    expect(renderTable(rows, false).split('\n')).to.deep.equal([
      'NAMESPACE   NAME    SERVICEACCOUNT   TARGET       STATE    REASON               MISSING      SINCE',
      `team-a      share   sharer           foo          Synced   ConfigMapSynced      -            ${SINCE}`,
      `team-a      share   sharer           production   Denied   MissingPermissions   get,create   ${SINCE}`,
      '',
    ]);
  });

  it('cuts no name off, however long', () => {
    const name = 'n'.repeat(253);

    expect(renderTable(rowsOf(syncWith({ name, targets: [target('foo', 'Synced')] })), false)).to.contain(
      name,
    );
  });

  it('colours states without moving a column', () => {
    const rows = rowsOf(syncWith({ targets: [target('foo', 'Synced'), refused('prod')] }));

    const coloured = renderTable(rows, true);

    expect(coloured).to.contain(COLOUR);
    // eslint-disable-next-line no-control-regex -- that is how colours begin
    expect(coloured.replace(/\u001b\[\d+m/g, '')).to.equal(renderTable(rows, false));
  });

  it('spells out control characters, so that a tenant cannot write to the terminal of an auditor', () => {
    const reason = '\u001b]0;owned\u0007\u202Etxt\r\n';
    const rows = rowsOf(syncWith({ targets: [target('foo', 'Failed', { reason })] }));

    expect(renderTable(rows, false)).to.contain('\\u001b]0;owned\\u0007\\u202etxt\\u000d\\n');
  });

  it('is coloured on a terminal only, and not where NO_COLOR says no', () => {
    expect(wantsColours({ isTTY: true }, {})).to.equal(true);
    expect(wantsColours({ isTTY: true }, { NO_COLOR: '1' })).to.equal(false);
    expect(wantsColours({ isTTY: true }, { TERM: 'dumb' })).to.equal(false);
    expect(wantsColours({}, {})).to.equal(false);
  });
});

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

describe('the report as JSON', () => {
  it('is a list of just the documented fields', () => {
    const rows = rowsOf(syncWith({ targets: [refused('prod', ['create'])] }));

    expect(JSON.parse(renderJson(rows))).to.deep.equal([
      {
        namespace: 'team-a',
        name: 'share',
        serviceAccount: 'sharer',
        targetNamespace: 'prod',
        state: 'Denied',
        reason: 'MissingPermissions',
        missingVerbs: ['create'],
        since: SINCE,
      },
    ]);
  });
});
