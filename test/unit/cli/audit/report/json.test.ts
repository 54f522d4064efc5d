import { expect } from 'chai';
import { renderJson } from '../../../../../src/cli/audit/report/json.js';
import { rowsOf } from '../../../../../src/cli/audit/report/report-row.js';
import { refused, SINCE, syncWith } from '../../../../support/report-fixture.js';

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
