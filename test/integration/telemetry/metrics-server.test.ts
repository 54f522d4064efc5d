import { request } from 'node:https';
import { expect } from 'chai';
import { loadConnection } from '../../../src/k8s/config/kubeconfig.js';
import { RestClient } from '../../../src/k8s/client/rest-client.js';
import { Transport } from '../../../src/k8s/client/transport.js';
import type { Logger } from '../../../src/telemetry/logging/logger.js';
import { Metrics } from '../../../src/telemetry/metrics/metrics.js';
import { MetricsServer } from '../../../src/telemetry/http/metrics-server.js';
import { eventually } from '../../support/eventually.js';
import { apply } from '../../support/kubectl.js';
import { plane, type TestPlane } from '../../support/plane.js';

const NAMESPACE = 'metrics-authorization';

function scrape(port: number, token?: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const options = {
      host: '127.0.0.1',
      port,
      path: '/metrics',
      headers,
      rejectUnauthorized: false,
      agent: false,
    };
    request(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the metrics server on a cluster', () => {
  let shared: TestPlane;
  const closers: (() => Promise<void>)[] = [];
  const logged: unknown[][] = [];

  /** Serves metrics with the rights of a ServiceAccount; returns the port. */
  const serveAs = async (serviceAccount: string): Promise<number> => {
    const kubeconfig = await shared.serviceAccountKubeconfig(NAMESPACE, serviceAccount);
    const connection = await loadConnection({ kubeconfig, env: {}, home: '/nonexistent' });
    const transport = new Transport(connection);
    const metrics = new Metrics();
    const client = new RestClient({
      server: connection.server,
      dispatcher: (use) => transport.dispatcher('operator', use),
      authorize: (signal) => connection.authorize(signal),
      userAgent: 'config-weaver/test',
      observer: metrics.runtime,
    });
    const log = (...entry: unknown[]): void => void logged.push(entry);
    const logger: Logger = { debug: log, info: log, warn: log, error: log };
    const server = new MetricsServer({ metrics, secure: true, client, logger });
    closers.push(
      () => server.close(),
      () => transport.close(),
    );
    return (await server.start({ host: '127.0.0.1', port: 0 })).port;
  };
  const tokenOf = async (serviceAccount: string): Promise<string> =>
    (await shared.kubectl(['create', 'token', serviceAccount, '-n', NAMESPACE])).trim();

  before(async () => {
    shared = await plane();
    const account = (name: string): object => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: NAMESPACE },
    });
    const role = (name: string, rules: object[]): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: `${NAMESPACE}-${name}` },
      rules,
    });
    const binding = (name: string): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `${NAMESPACE}-${name}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `${NAMESPACE}-${name}` },
      subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
    });
    await apply(shared.kubectl, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    await apply(
      shared.kubectl,
      account('operator'),
      account('operator-without-reviews'),
      account('prometheus'),
      account('stranger'),
      role('operator', [
        { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
        { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
      ]),
      binding('operator'),
      role('prometheus', [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }]),
      binding('prometheus'),
    );
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
    logged.splice(0);
  });
  after(async () => {
    await shared.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
    for (const name of ['operator', 'prometheus']) {
      await shared.kubectl(['delete', 'clusterrole,clusterrolebinding', `${NAMESPACE}-${name}`]);
    }
  });

  it('shows the metrics to a ServiceAccount that may get /metrics', async () => {
    const port = await serveAs('operator');
    const token = await tokenOf('prometheus');

    const answer = await eventually(async () => {
      const latest = await scrape(port, token); // the authorizer's cache may not know the binding yet
      expect(latest.status).to.equal(200);
      return latest;
    });

    expect(answer.text).to.contain('# TYPE configweaver_namespace_denied gauge');
    expect(answer.text).to.match(
      /\nrest_client_requests_total\{code="201",method="POST",host="[^"]+"\} \d+\n/,
    );
  });

  it('refuses a ServiceAccount that may not, and says what it lacks', async () => {
    const port = await serveAs('operator');

    const answer = await scrape(port, await tokenOf('stranger'));

    expect(answer).to.deep.equal({
      status: 403,
      text: 'you need a ClusterRole with verb get on nonResourceURL /metrics\n',
    });
  });

  it('turns away a token that the cluster does not know, and who sends none', async () => {
    const port = await serveAs('operator');

    expect((await scrape(port, 'eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl')).status).to.equal(401);
    expect((await scrape(port)).status).to.equal(401);
  });

  it('lets nobody in, and logs why without the token, when the operator may not review tokens', async () => {
    const port = await serveAs('operator-without-reviews');
    const token = await tokenOf('prometheus');

    const answer = await scrape(port, token);

    expect(answer.status).to.equal(500);
    expect(logged).to.have.length(1);
    expect(logged[0]?.[1]).to.have.nested.property('error.message').that.contains('tokenreviews');
    expect(String((logged[0]?.[1] as { error: Error }).error.stack)).not.to.contain(token);
  });
});
