import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ControlPlane } from '../../hack/control-plane/control-plane.js';
import { runKubectl } from '../../hack/control-plane/kubectl.js';
import { AuditLog } from '../support/audit-log.js';
import { eventually } from '../support/eventually.js';
import { apply, getObject, listObjects } from '../support/kubectl.js';
import { auditLogOrSkip, controlPlaneOrSkip, plane, type TestPlane } from '../support/plane.js';

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the local control plane', () => {
  let shared: TestPlane;

  before(async () => {
    shared = await plane();
  });

  it('gives every new namespace its default ServiceAccount', async () => {
    await shared.kubectl(['create', 'namespace', 'plane-default-sa']);

    await eventually(async () => {
      const serviceAccounts = await listObjects(shared.kubectl, 'serviceaccounts', 'plane-default-sa');
      expect(serviceAccounts.map(({ metadata }) => metadata.name)).to.deep.equal(['default']);
    });

    await shared.kubectl(['delete', 'namespace', 'plane-default-sa', '--wait=false']);
  });

  it('removes a deleted namespace with all that is in it', async () => {
    await apply(
      shared.kubectl,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plane-goes' } },
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'inside', namespace: 'plane-goes' },
        data: { a: '1' },
      },
    );

    await shared.kubectl(['delete', 'namespace', 'plane-goes', '--timeout=30s']);

    expect(await getObject(shared.kubectl, 'namespace', 'plane-goes')).to.equal(undefined);
  });

  it('says in its audit log which ServiceAccount did what, and what was forbidden', async function () {
    const audit = await AuditLog.fromNow(auditLogOrSkip(this, shared));
    await shared.kubectl(['create', 'namespace', 'plane-audit']);
    await eventually(() => shared.kubectl(['get', 'serviceaccount', 'default', '-n', 'plane-audit']));
    const kubeconfig = await shared.serviceAccountKubeconfig('plane-audit', 'default');
    const asServiceAccount = { binary: join(controlPlaneOrSkip(this, shared).assets, 'kubectl'), kubeconfig };

    const refusal = await runKubectl(
      ['get', 'configmap', 'secret-plans', '-n', 'plane-audit'],
      asServiceAccount,
    ).catch((error: unknown) => error);

    expect(String(refusal)).to.contain('cannot get resource "configmaps"');
    const [entry, ...others] = await audit.entries({ resource: 'configmaps', name: 'secret-plans' });
    expect(others).to.deep.equal([]);
    expect(entry).to.deep.include({ verb: 'get', stage: 'ResponseComplete' });
    expect(entry?.user.username).to.equal('system:serviceaccount:plane-audit:default');
    expect(entry?.userAgent).to.match(/^kubectl\//);
    expect(entry?.objectRef).to.deep.include({ namespace: 'plane-audit', name: 'secret-plans' });
    expect(entry?.responseStatus?.code).to.equal(403);
    await shared.kubectl(['delete', 'namespace', 'plane-audit', '--wait=false']);
  });

  it('keeps tokens and contents out of its audit log', async function () {
    const path = auditLogOrSkip(this, shared);
    await shared.kubectl(['create', 'secret', 'generic', 'plane-secret', '--from-literal=key=very-hidden']);
    const token = (await shared.kubectl(['create', 'token', 'default', '-n', 'default'])).trim();

    const log = await readFile(path, 'utf8');

    expect(token.length).to.be.greaterThan(100);
    expect(log.includes(token)).to.equal(false);
    expect(log.includes('very-hidden')).to.equal(false);
    expect(log.includes(Buffer.from('very-hidden').toString('base64'))).to.equal(false);
    await shared.kubectl(['delete', 'secret', 'plane-secret']);
  });
});

describe('a control plane of its own', () => {
  it('keeps its address and its objects when its API server is killed and started again', async function () {
    const controlPlane = await ControlPlane.start({
      assets: controlPlaneOrSkip(this, await plane()).assets,
      controllerManager: false,
    });
    try {
      const server = controlPlane.server;
      await controlPlane.kubectl(['create', 'namespace', 'survivor']);

      await controlPlane.restartApiServer('SIGKILL');

      expect(controlPlane.server).to.equal(server);
      expect(await controlPlane.kubectl(['get', 'namespace', 'survivor', '-o', 'name'])).to.contain(
        'survivor',
      );
    } finally {
      await controlPlane.stop();
    }
  });

  it('leaves no process and no file behind when it stops', async function () {
    const controlPlane = await ControlPlane.start({
      assets: controlPlaneOrSkip(this, await plane()).assets,
    });
    const { pids, dir } = controlPlane;

    await controlPlane.stop();

    expect(pids).to.have.length(3);
    expect(pids.filter(alive)).to.deep.equal([]);
    expect(existsSync(dir)).to.equal(false);
  });

  it('ends with the process that started it, even when that one is killed', async function () {
    const { assets } = controlPlaneOrSkip(this, await plane());
    const program = `
      import { ControlPlane } from ${JSON.stringify(new URL('../../hack/control-plane/control-plane.js', import.meta.url).href)};
      const { pids, dir } = await ControlPlane.start({ assets: ${JSON.stringify(assets)} });
      console.log(JSON.stringify({ pids, dir }));
      setInterval(() => undefined, 1000);
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve, reject) => {
      createInterface(parent.stdout).once('line', resolve);
      parent.once('exit', (code) => reject(new Error(`ended early, exit code ${code ?? 'none'}`)));
    });
    const { pids, dir } = JSON.parse(line) as { pids: number[]; dir: string };

    parent.kill('SIGKILL');

    await eventually(() => {
      expect(pids.filter(alive)).to.deep.equal([]);
      expect(existsSync(dir)).to.equal(false);
    });
  });

  it('says what its API server said when that does not start, and leaves nothing behind', async function () {
    const { assets } = controlPlaneOrSkip(this, await plane());
    const dir = await mkdtemp(join(tmpdir(), 'config-weaver-broken-'));

    const failure = await ControlPlane.start({ assets, dir, auditPolicy: 'not a policy' }).catch(
      (error: unknown) => error,
    );

    expect(failure).to.be.instanceOf(Error);
    expect(String(failure)).to.match(/kube-apiserver ended \(exit code \d+\)[^]*audit policy/);
    await rm(dir, { recursive: true });
  });
});
