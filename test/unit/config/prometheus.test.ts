import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { repositoryRoot } from '../../../hack/repository.js';
import { alertsOf, shippedRules, type AlertingRule } from '../../support/alerting-rules.js';
import { metricNames } from '../../support/promql.js';

const root = repositoryRoot();
const RUNBOOKS = 'docs/runbooks';

interface RuleTest {
  name: string;
  alert_rule_test: { alertname: string; exp_alerts: unknown[] }[];
}

async function ruleTests(): Promise<RuleTest[]> {
  const directory = join(root, 'config/prometheus/tests');
  const texts = await Promise.all(
    (await readdir(directory)).map((file) => readFile(join(directory, file), 'utf8')),
  );
  return texts.flatMap((text) => (parse(text) as { tests: RuleTest[] }).tests);
}

describe('the alerting rules', () => {
  let alerts: AlertingRule[];

  before(async () => {
    alerts = alertsOf(await shippedRules());
  });

  it('cover what tenants, their neighbours and the operator can suffer', () => {
    expect(alerts.map(({ alert }) => alert)).to.include.members([
      'ConfigWeaverNamespaceDenied',
      'ConfigWeaverDenialsRising',
      'ConfigWeaverStaleCopies',
      'ConfigWeaverSyncFailing',
      'ConfigWeaverCleanupAbandoned',
      'ConfigWeaverOperatorDown',
      'ConfigWeaverOperatorNotReady',
      'ConfigWeaverTokenRequestsFailing',
    ]);
  });

  it('have a severity, a summary that is a sentence, and a description', () => {
    for (const { alert, labels, annotations } of alerts) {
      expect(labels.severity, alert).to.be.oneOf(['critical', 'warning', 'info']);
      expect(annotations.summary, alert).to.match(/\.$/);
      expect(annotations.description, alert).to.have.length.greaterThan(annotations.summary.length);
    }
  });

  it('name tenant, ConfigMapSync, ServiceAccount and target where they are about one', () => {
    const denied = alerts.find(({ alert }) => alert === 'ConfigWeaverNamespaceDenied');

    for (const label of ['namespace', 'name', 'service_account', 'target_namespace']) {
      expect(denied?.annotations.description).to.contain(`{{ $labels.${label} }}`);
    }
  });

  it('lead to a runbook that is there and names the alert', async () => {
    for (const { alert, annotations } of alerts) {
      const [, page] = /\/(docs\/runbooks\/[a-z-]+\.md)$/.exec(annotations.runbook_url) ?? [];
      expect(page, annotations.runbook_url).to.not.equal(undefined);
      const [title] = (await readFile(join(root, page!), 'utf8')).split('\n');
      expect(title, page).to.match(new RegExp(`^# .*\\b${alert}\\b`));
    }
  });

  it('leave no runbook without an alert', async () => {
    const linked = alerts.map(({ annotations }) => annotations.runbook_url.split('/').at(-1));

    expect(linked).to.include.members(await readdir(join(root, RUNBOOKS)));
  });

  it('have runbooks that say how to look and how to mend, with commands', async () => {
    for (const page of await readdir(join(root, RUNBOOKS))) {
      const text = await readFile(join(root, RUNBOOKS, page), 'utf8');
      expect(text, page).to.match(/^## Look$/m);
      expect(text, page).to.match(/^## (Mend|Pods run)/m);
      expect(text, page).to.match(/```sh\n/);
    }
  });

  it('are each tested to fire, and to stay silent', async () => {
    const checks = (await ruleTests()).flatMap((test) => test.alert_rule_test);

    for (const { alert } of alerts) {
      const outcomes = checks.filter(({ alertname }) => alertname === alert);
      expect(
        outcomes.some(({ exp_alerts }) => exp_alerts.length > 0),
        `${alert} fires`,
      ).to.equal(true);
      expect(
        outcomes.some(({ exp_alerts }) => exp_alerts.length === 0),
        `${alert} is silent`,
      ).to.equal(true);
    }
  });

  it('stand in the documentation with their severity', async () => {
    const text = await readFile(join(root, 'docs/metrics.md'), 'utf8');

    for (const { alert, labels } of alerts) {
      expect(text).to.match(new RegExp(`^\\| \`${alert}\` +\\| ${labels.severity ?? ''} `, 'm'));
    }
  });
});

describe('the ServiceMonitor', () => {
  const read = async (path: string): Promise<unknown> => parse(await readFile(join(root, path), 'utf8'));

  it('selects the Service of the metrics and its port', async () => {
    const service = (await read('config/manager/metrics_service.yaml')) as {
      metadata: { labels: object };
      spec: { ports: { name: string }[] };
    };

    const monitor = (await read('config/prometheus/monitor.yaml')) as {
      spec: { jobLabel: string; selector: { matchLabels: object }; endpoints: { port: string }[] };
    };

    expect(service.metadata.labels).to.include(monitor.spec.selector.matchLabels);
    expect(service.metadata.labels).to.have.property(monitor.spec.jobLabel, 'config-weaver');
    expect(service.spec.ports.map(({ name }) => name)).to.deep.equal(
      monitor.spec.endpoints.map(({ port }) => port),
    );
  });

  it('leaves the label namespace to the tenant, and shows a token over TLS', async () => {
    const monitor = (await read('config/prometheus/monitor.yaml')) as { spec: { endpoints: object[] } };

    expect(monitor.spec.endpoints).to.have.length(1);
    expect(monitor.spec.endpoints[0]).to.deep.include({
      honorLabels: true,
      scheme: 'https',
      path: '/metrics',
    });
    expect(monitor.spec.endpoints[0]).to.have.property('bearerTokenFile');
  });
});

describe('metricNames', () => {
  it('takes labels, matchers, durations, strings and functions for what they are', () => {
    const query = `sum by (namespace) (rate(a_total{state=~"b|c"}[5m])) / on (x) group_left (y) max(d_e offset 15m)
      unless histogram_quantile(0.99, sum without (le) (rate(f_bucket{g='{h}'}[$__rate_interval]))) > bool 1e3 or ns:a:b`;

    expect(metricNames(query)).to.deep.equal(['a_total', 'd_e', 'f_bucket', 'ns:a:b']);
  });
});
