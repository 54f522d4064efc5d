import { expect } from 'chai';
import { ruleFile, shippedRules } from '../support/alerting-rules.js';
import { fillVariables, queriesOf, shippedDashboard } from '../support/dashboard.js';
import { documentedMetrics } from '../support/documented-metrics.js';
import { eventually } from '../support/eventually.js';
import { apply } from '../support/kubectl.js';
import { plane, type TestPlane } from '../support/plane.js';
import { metricNames } from '../support/promql.js';
import { SyncFixture } from '../support/sync-fixture.js';
import { createNamespace } from '../support/tenant.js';
import { Monitoring } from './support/monitoring.js';
import { runPromtool, toolsOrSkip } from './support/tools.js';
import { scrape } from './support/scrape.js';
import { scrapeConfig, shippedMonitor, shippedService } from './support/scrape-config.js';

/** In the place of each rule's own minutes. */
const FOR = '2s';
const SCRAPER = 'prometheus';
const BINDING = 'config-weaver-e2e-prometheus';

describe('Prometheus and Alertmanager', () => {
  let shared: TestPlane;
  let promtool: string;
  let fixture: SyncFixture;
  let monitoring: Monitoring;
  /** What the end has to undo, the last thing first. */
  const undo: (() => Promise<unknown>)[] = [];
  let metricsText: string;

  before(async function () {
    this.timeout(120_000); // where Prometheus has to be fetched
    const binaries = await toolsOrSkip(this, 'prometheus', 'promtool', 'alertmanager');
    promtool = binaries.promtool;
    shared = await plane();
    fixture = await SyncFixture.start({
      // TLS and the API server's word on who scrapes, as installed. The poll interval bounds how late a grant is noticed.
      args: ['--metrics-secure=true', '--poll-interval=1s', '--cleanup-timeout=1s'],
    });
    undo.push(() => fixture.end());
    const token = await scraperToken(fixture);
    const [started] = fixture.operator.log('starting');
    const address = String(started?.metrics);
    monitoring = await Monitoring.start(binaries, {
      scrape: scrapeConfig(await shippedMonitor(), await shippedService(), address),
      rules: ruleFile(await shippedRules(), FOR),
      token,
    });
    undo.push(() => monitoring.stop());
    await eventually(async () => {
      const [target] = await monitoring.targets();
      expect(target?.lastError).to.equal('');
      expect(target?.health).to.equal('up');
    });
    metricsText = await scrape(address, token);
  });
  after(async () => {
    for (const step of undo.toReversed()) await step();
  });

  /** Of a ServiceAccount that may read the metrics by the role that we ship, and nothing else. */
  async function scraperToken({ api }: SyncFixture): Promise<string> {
    const namespace = await createNamespace(api, 'monitoring');
    undo.push(
      () => shared.kubectl(['delete', 'namespace', namespace, '--wait=false']),
      () => shared.kubectl(['delete', 'clusterrolebinding', BINDING, '--ignore-not-found']),
    );
    await apply(
      shared.kubectl,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: SCRAPER, namespace } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: BINDING },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'config-weaver-metrics-reader',
        },
        subjects: [{ kind: 'ServiceAccount', name: SCRAPER, namespace }],
      },
    );
    return (await shared.kubectl(['create', 'token', SCRAPER, '-n', namespace])).trim();
  }

  it('tell of a revoked right, from the Event to the pager, and of its grant', async function () {
    this.timeout(60_000);
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'before' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    const cms = { namespace: tenant.namespace, name: 'sync' };

    await tenant.revoke(target);
    // The next write is refused, which is noticed at once.
    await tenant.patchSource({ data: { key: 'after' } });

    await tenant.targetState(target, 'Stale');
    await eventually(async () => {
      const description = await shared.kubectl(['describe', 'cms', 'sync', '-n', tenant.namespace]);
      expect(description).to.match(
        new RegExp(`Warning +NamespaceDenied .*${tenant.username} may not .* in namespace "${target}"`),
      );
    });
    const labels = {
      alertname: 'ConfigWeaverNamespaceDenied',
      ...cms,
      service_account: tenant.serviceAccount,
      target_namespace: target,
      severity: 'warning',
    };
    await eventually(async () => expect(await monitoring.alertmanagerAlerts()).to.deep.include(labels));
    const firing = await eventually(() => {
      const [notified] = monitoring.receiver.received('ConfigWeaverNamespaceDenied', cms);
      expect(notified?.status).to.equal('firing');
      return notified!;
    });
    expect(firing.labels).to.deep.equal(labels);
    expect(firing.annotations.description)
      .to.contain(`ConfigMapSync ${tenant.namespace}/sync`)
      .and.to.contain(tenant.username)
      .and.to.contain(`namespace ${target}`);
    const stale = await eventually(() => {
      const [notified] = monitoring.receiver.received('ConfigWeaverStaleCopies', cms);
      expect(notified?.status).to.equal('firing');
      return notified!;
    });
    expect(stale.annotations.description).to.contain(`${tenant.username} in ${target}`);

    await tenant.grant(target, ['get', 'create', 'update', 'delete']);

    await tenant.copied(target, { key: 'after' });
    for (const alertname of ['ConfigWeaverNamespaceDenied', 'ConfigWeaverStaleCopies']) {
      await eventually(() => {
        const statuses = monitoring.receiver.received(alertname, cms).map(({ status }) => status);
        expect(statuses, alertname).to.deep.equal(['firing', 'resolved']);
      });
    }
    await eventually(async () => {
      const left = (await monitoring.activeAlerts()).filter(
        (alert) => alert.labels.namespace === tenant.namespace || alert.labels.severity === 'critical',
      );
      expect(left).to.deep.equal([]);
    });
  });

  it('tell of a ConfigMapSync that went and left a copy behind', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();

    await tenant.revoke(target);
    await tenant.deleteSync();

    await tenant.gone();
    const alert = await eventually(() => {
      const cms = { namespace: tenant.namespace, name: 'sync' };
      const [notified] = monitoring.receiver.received('ConfigWeaverCleanupAbandoned', cms);
      expect(notified?.status).to.equal('firing');
      return notified!;
    });
    expect(alert.annotations.summary).to.contain(`${tenant.namespace}/sync is gone and left copies behind`);
    expect(await tenant.copy(target)).to.not.equal(undefined);
  });

  it('find no fault with the names and texts of the metrics, but for what prom-client says of Node.js', async () => {
    const { output } = await runPromtool(promtool, ['check', 'metrics'], { input: metricsText });

    const faults = output
      .split('\n')
      .filter((line) => line !== '' && !/^nodejs_active_\w+_total /.test(line));
    expect(faults).to.deep.equal([]);
  });

  it('know every metric of the documentation, and the documentation all but those of Node.js', async () => {
    const types = await familyTypes();

    const documented = await documentedMetrics();

    for (const { name, type } of documented) expect(types.get(name), name).to.equal(type);
    const known = documented.map(({ name }) => name);
    const others = [...types.keys()].filter((name) => !/^(nodejs|process)_/.test(name));
    expect(others.filter((name) => !known.includes(name))).to.deep.equal([]);
  });

  it('know every metric that a rule asks for', async () => {
    const known = await knownNames();
    const groups = await shippedRules();
    const recorded = groups.flatMap(({ rules }) =>
      rules.flatMap((rule) => ('record' in rule ? [rule.record] : [])),
    );

    const asked = groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => metricNames(expr)));

    expect(asked).to.not.deep.equal([]);
    expect(asked.filter((name) => !known.has(name) && !recorded.includes(name))).to.deep.equal([]);
  });

  it('answer every query of the dashboard', async function () {
    this.timeout(60_000);
    const tenant = await fixture.tenant();
    const granted = await tenant.target();
    const denied = await tenant.target([]);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [granted, denied] });
    await tenant.targetState(denied, 'Denied');
    await tenant.patchSource({ data: { key: 'other' } });
    await tenant.copied(granted, { key: 'other' });
    const known = await knownNames();
    const dashboard = await shippedDashboard();
    const variables = Object.fromEntries(
      dashboard.templating.list.map(({ name, allValue = '' }) => [name, allValue]),
    );

    const queries = queriesOf(dashboard).map((query) => ({
      ...query,
      expr: fillVariables(query.expr, { ...variables, __rate_interval: '30s' }),
    }));

    for (const { panel, expr, legendLabels } of queries) {
      expect(
        metricNames(expr).filter((name) => !known.has(name)),
        panel,
      ).to.deep.equal([]);
      const result = await eventually(async () => {
        const series = await monitoring.query(expr);
        expect(series, `${panel}: ${expr}`).to.not.be.empty;
        return series;
      });
      for (const label of legendLabels) {
        for (const { metric } of result) expect(metric, panel).to.have.property(label);
      }
    }
  });

  it('tell of an operator that is gone', async () => {
    const before = monitoring.receiver.received('ConfigWeaverOperatorDown').length;

    await fixture.restart(async () => {
      await eventually(() => {
        const notified = monitoring.receiver.received('ConfigWeaverOperatorDown')[before];
        expect(notified?.status).to.equal('firing');
        expect(notified?.labels).to.deep.equal({
          alertname: 'ConfigWeaverOperatorDown',
          severity: 'critical',
        });
      });
    });
  });

  /** Of each metric family that was scraped. OpenMetrics names a counter's family without `_total`. */
  async function familyTypes(): Promise<Map<string, string>> {
    const types = await monitoring.metricTypes();
    return new Map([...types].map(([name, type]) => [type === 'counter' ? `${name}_total` : name, type]));
  }

  /** Names that a query can ask for: of families, and of a histogram's series. */
  async function knownNames(): Promise<Set<string>> {
    const names = [...(await familyTypes())].flatMap(([name, type]) =>
      type === 'histogram' ? ['bucket', 'sum', 'count'].map((suffix) => `${name}_${suffix}`) : [name],
    );
    return new Set([...names, 'up']);
  }
});
