import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { generateCredentials, type KeyPair } from '../../../hack/control-plane/credentials.js';
import { ControlPlane } from '../../../hack/control-plane/control-plane.js';
import { crdDirectory } from '../../../hack/rig/installation.js';
import type { RestClient } from '../../../src/k8s/client/rest-client.js';
import { eventually } from '../../support/eventually.js';
import {
  installRights,
  OPERATOR_NAMESPACE,
  OPERATOR_SERVICE_ACCOUNT,
  startOperator,
  type RunningOperator,
} from '../../support/operator.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { SlowProxy } from '../../support/slow-proxy.js';
import { TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';

interface Kubeconfig {
  clusters: [{ cluster: Record<string, string> }];
  users: [{ user: object }];
}

describe('an operator whose own credentials are replaced while it runs', () => {
  let controlPlane: ControlPlane;
  /** With a token of the operator. */
  let kubeconfig: string;
  let api: TestApi;
  let directory: string;
  let operator: RunningOperator | undefined;
  let proxy: SlowProxy | undefined;

  before(async function () {
    const { assets } = controlPlaneOrSkip(this, await plane());
    controlPlane = await ControlPlane.start({ assets });
    await controlPlane.applyCrd(crdDirectory());
    kubeconfig = await installRights(controlPlane);
    api = await TestApi.connect(controlPlane.kubeconfig);
  });
  after(async () => {
    await api.close();
    await controlPlane.stop();
  });

  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'config-weaver-credentials-'))));
  afterEach(async () => {
    await operator?.stop();
    await proxy?.close();
    operator = proxy = undefined;
    await rm(directory, { recursive: true });
  });

  async function write(name: string, text: string): Promise<string> {
    await writeFile(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  }

  /** Starts one with this user, and with what else is said of the cluster. */
  async function start(user: object | undefined, cluster: Record<string, string> = {}): Promise<void> {
    const config = JSON.parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig;
    if (user !== undefined) config.users[0].user = user;
    Object.assign(config.clusters[0].cluster, cluster);
    if ('certificate-authority' in cluster) delete config.clusters[0].cluster['certificate-authority-data'];
    operator = await startOperator({ kubeconfig: await write('kubeconfig', JSON.stringify(config)) });
  }

  /** A token of the operator's ServiceAccount that is good for as long as a Secret of this name is there. */
  async function tokenWith(secret: string): Promise<string> {
    await controlPlane.kubectl(['create', 'secret', 'generic', secret, '-n', OPERATOR_NAMESPACE]);
    const bound = ['--bound-object-kind=Secret', `--bound-object-name=${secret}`];
    const create = ['create', 'token', OPERATOR_SERVICE_ACCOUNT, '-n', OPERATOR_NAMESPACE, '--duration=1h'];
    return (await controlPlane.kubectl([...create, ...bound])).trim();
  }

  async function revoke(secret: string, token: string): Promise<void> {
    await controlPlane.kubectl(['delete', 'secret', secret, '-n', OPERATOR_NAMESPACE]);
    // The API server keeps what it has found of a token for 10 s.
    await eventually(async () => expect(await codeFor(api.clientOf(token))).to.equal(401));
  }

  async function codeFor(client: RestClient): Promise<number> {
    const request = { method: 'GET', path: '/api/v1/namespaces', query: { limit: 1 } } as const;
    return client.request(request).then(
      ({ code }) => code,
      (error: unknown) => (error as { code: number }).code,
    );
  }

  async function servesNewTenant(): Promise<void> {
    const tenant = await TestTenant.create(api);
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.copied(target, { key: 'value' }, { timeoutMs: 25_000 });
    await tenant.ready();
  }

  it('runs its credential plugin again when the token is rejected, once in some seconds while that stays', async function () {
    this.timeout(90_000);
    const token = await tokenWith('plugin-1');
    const next = await tokenWith('plugin-2');
    const file = await write('token', token);
    const runs = await write('runs', '');
    const script = `echo run >> ${runs}; printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat ${file})"`;
    await start({
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: 'sh',
        args: ['-c', script],
        interactiveMode: 'Never',
      },
    });
    await servesNewTenant();
    const before = (await readFile(runs, 'utf8')).length;

    await revoke('plugin-1', token);
    const tenant = await TestTenant.create(api);
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        tenant.createSync({ syncToNamespaces: ['nowhere'] }, `sync-${index}`),
      ),
    );
    await sleep(6_000);
    const meanwhile = ((await readFile(runs, 'utf8')).length - before) / 'run\n'.length;
    await write('token', next);

    await servesNewTenant();
    expect(before).to.equal('run\n'.length);
    // Revoked some 16 s ago at most: once each 5 s.
    expect(meanwhile).to.be.within(1, 5);
  });

  it('reads its token file again when the token is rejected', async function () {
    this.timeout(90_000);
    const token = await tokenWith('file-1');
    const next = await tokenWith('file-2');
    const file = await write('token', token);
    await start({ tokenFile: file });
    await servesNewTenant();

    await revoke('file-1', token);
    await write('token', next);

    await servesNewTenant();
  });

  it('takes over a client certificate that was replaced in its files', async function () {
    this.timeout(90_000);
    const [first, second] = await Promise.all([generateCredentials(), generateCredentials()]);
    const authorities = join(controlPlane.dir, 'pki', 'ca.crt');
    const own = await readFile(authorities, 'utf8');
    const files = async ({ certificate, privateKey }: KeyPair): Promise<object> => ({
      'client-certificate': await write('tls.crt', certificate),
      'client-key': await write('tls.key', privateKey),
    });
    const accepted = async ({ certificate, privateKey }: KeyPair): Promise<boolean> => {
      const tls = { ...api.connection.tls, cert: Buffer.from(certificate), key: Buffer.from(privateKey) };
      const somebody = await TestApi.connect(controlPlane.kubeconfig, { connection: { tls } });
      return codeFor(somebody.client)
        .then((code) => code === 200)
        .finally(() => somebody.close());
    };
    await writeFile(authorities, `${own}\n${first.authority}`);
    await eventually(async () => expect(await accepted(first.admin)).to.equal(true), { timeoutMs: 70_000 });
    await start(await files(first.admin));
    await servesNewTenant();

    await writeFile(authorities, `${own}\n${second.authority}`);
    await eventually(async () => expect(await accepted(first.admin)).to.equal(false), { timeoutMs: 70_000 });
    await files(second.admin);

    await servesNewTenant();
  });

  it("takes over another authority of the API server's certificate", async function () {
    this.timeout(90_000);
    proxy = await SlowProxy.start(kubeconfig);
    const { clusters } = JSON.parse(await readFile(proxy.kubeconfig, 'utf8')) as Kubeconfig;
    const { server = '', 'certificate-authority-data': data = '' } = clusters[0].cluster;
    const file = await write('ca.crt', Buffer.from(data, 'base64').toString());
    await start(undefined, { server, 'certificate-authority': file });
    await servesNewTenant();

    const authority = await proxy.replaceCertificate();
    await sleep(2_000);
    await write('ca.crt', authority);

    await servesNewTenant();
  });
});
