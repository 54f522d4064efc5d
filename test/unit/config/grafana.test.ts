import { expect } from 'chai';
import { queriesOf, shippedDashboard, type Dashboard } from '../../support/dashboard.js';

describe('the dashboard', () => {
  let dashboard: Dashboard;

  before(async () => {
    dashboard = await shippedDashboard();
  });

  it('lets choose data source, tenant and ServiceAccount', () => {
    expect(dashboard.templating.list.map(({ name }) => name)).to.deep.equal([
      'datasource',
      'namespace',
      'service_account',
    ]);
  });

  it('asks the chosen data source and no other', () => {
    for (const { title, type, datasource } of dashboard.panels) {
      if (type !== 'row') expect(datasource?.uid, title).to.equal('${datasource}');
    }
  });

  it('says of each panel what it shows, and in which unit', () => {
    for (const { title, type, description, fieldConfig } of dashboard.panels) {
      if (type === 'row') continue;
      expect(description, title).to.match(/[a-z].*[.]$/);
      expect(fieldConfig?.defaults.unit, title).to.be.a('string').that.is.not.empty;
    }
  });

  it('narrows every series of a tenant to the chosen tenants', () => {
    const tenantMetrics =
      /configweaver_(namespace_denied|denials_total|targets|last_sync_timestamp_seconds)\{/;

    for (const { panel, expr } of queriesOf(dashboard)) {
      if (tenantMetrics.test(expr)) expect(expr, panel).to.contain('namespace=~"$namespace"');
    }
  });

  it('has panels with ids of their own that lie within the grid and on no other', () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x}/${y}`), `beneath ${title}`).to.equal(undefined);
          taken.set(`${x}/${y}`, title);
        }
      }
      expect(gridPos.x + gridPos.w, title).to.be.at.most(24);
    }

    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
  });
});
