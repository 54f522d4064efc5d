import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { TargetState } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import type { PolicyReport } from '../../../src/reporting/policy-report.js';
import { PolicyReporter } from '../../../src/reporting/policy-reporter.js';
import { ApiError } from '../../../src/k8s/client/errors.js';
import { Store } from '../../../src/k8s/cache/store.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';
import { syncObject } from '../../support/sync-object.js';
import { FakeApi } from '../../support/fakes/fake-api.js';
import { statusOf, target } from './statuses.js';

const TOO_LARGE = { code: 500, reason: '', message: 'etcdserver: request is too large' };

describe('PolicyReports of several namespaces', () => {
  let clock: FakeClock;
  let stop: AbortController;
  let reports: Map<string, unknown>;
  let syncs: Store<ConfigMapSync>;
  /** How often all ConfigMapSyncs were looked through. */
  let listed: number;
  /** `METHOD namespace`, in the order in which they were sent. */
  let sent: string[];
  let warnings: string[];
  let running: Promise<void>;
  let refuse: (namespace: string) => boolean;

  const answer = (method: string, namespace: string | undefined, body: unknown): unknown => {
    if (namespace === undefined) return { metadata: {}, items: [] };
    if (method === 'GET') {
      if (reports.has(namespace)) return reports.get(namespace);
      throw new ApiError({
        code: 404,
        reason: 'NotFound',
        message: 'policyreports "config-weaver" not found',
      });
    }
    if (refuse(namespace)) throw new ApiError(TOO_LARGE);
    reports.set(namespace, body);
    return body;
  };

  beforeEach(() => {
    clock = new FakeClock();
    stop = new AbortController();
    reports = new Map();
    sent = [];
    warnings = [];
    refuse = (namespace) => namespace === 'bad';
    syncs = new Store();
    listed = 0;
    const list = syncs.list.bind(syncs);
    syncs.list = () => {
      listed += 1;
      return list();
    };
    for (const namespace of ['bad', 'good', 'other']) {
      syncs.upsert(syncObject({ metadata: { namespace, name: 'share', uid: namespace } }));
    }
    const api = new FakeApi(({ method, path, body }) => {
      const namespace = /namespaces\/([^/]+)/.exec(path)?.[1];
      sent.push(`${method} ${namespace ?? 'all'}`);
      return answer(method, namespace, body);
    });
    const silent = (): void => undefined;
    const log = { debug: silent, info: silent, warn: (message: string) => void warnings.push(message) };
    running = new PolicyReporter({ client: api.client(), syncs, clock, log }).run(stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await running;
  });

  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await settle();
      await clock.advance(1000);
    }
    await settle();
  }

  it('are written at once where that of another namespace is refused', async () => {
    await settle();

    expect([...reports.keys()]).to.deep.equal(['good', 'other']);
  });

  it('are not read again because that of another namespace is refused, which is tried less and less often', async () => {
    await pass(600);

    expect(sent.filter((request) => request.endsWith(' all'))).to.have.length(1);
    expect(sent.filter((request) => request === 'GET good')).to.have.length(1);
    expect(sent.filter((request) => request === 'POST bad').length).to.be.within(3, 7);
    expect(warnings).to.have.length(1);
  });

  it('are made of the ConfigMapSyncs of their namespace, without looking through those of all others', async () => {
    await settle();
    const share = (namespace: string, name: string, state: TargetState): ConfigMapSync =>
      syncObject({
        metadata: { namespace, name, uid: `${namespace}-${name}`, resourceVersion: '2' },
        status: statusOf([target('prod', state)]),
      });

    for (let index = 0; index < 100; index += 1) syncs.upsert(share(`tenant-${index}`, 'share', 'Synced'));
    syncs.upsert(share('good', 'share', 'Denied'));
    syncs.upsert(share('good', 'more', 'Synced'));
    syncs.remove(share('other', 'share', 'Synced'));
    await pass(2);

    const { summary } = reports.get('good') as PolicyReport;
    expect(summary).to.deep.include({ pass: 1, fail: 1 });
    expect((reports.get('tenant-99') as PolicyReport).summary).to.deep.include({ pass: 1, fail: 0 });
    expect(sent.filter((request) => request.endsWith(' other')).at(-1)).to.equal('DELETE other');
    expect(listed).to.equal(1);
  });

  it('are written as soon as they are taken again', async () => {
    await pass(5);
    refuse = () => false;
    await pass(30);

    expect((reports.get('bad') as PolicyReport).results).to.deep.equal([]);
  });
});
