import { expect } from 'chai';
import { join } from 'node:path';
import { ControlPlane } from '../../../hack/control-plane/control-plane.js';
import { repositoryRoot } from '../../../hack/repository.js';
import { AuditLog } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { installRights, startOperator, type LogLine, type RunningOperator } from '../../support/operator.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';

const CRDS = join(repositoryRoot(), 'config', 'crd', 'bases');

const NOT_SERVED =
  'configmapsyncs: the API server does not serve this resource (is its CustomResourceDefinition installed?); trying again until it works';

/** What somebody sees who does not debug. */
function complaints(operator: RunningOperator): LogLine[] {
  return operator.log().filter(({ level }) => level === 'warn' || level === 'error');
}

// In this order: the control plane begins without our CRD, and its API server is stopped in between.
describe('an operator and an API server that is not always there', () => {
  let controlPlane: ControlPlane;
  let kubeconfig: string;
  let api: TestApi;
  let tenant: TestTenant;
  let target: string;
  let operator: RunningOperator;

  before(async function () {
    const { assets } = controlPlaneOrSkip(this, await plane());
    controlPlane = await ControlPlane.start({ assets });
    kubeconfig = await installRights(controlPlane);
    api = await TestApi.connect(controlPlane.kubeconfig);
  });
  after(async () => {
    await api.close();
    await controlPlane.stop();
  });

  it('waits for its CustomResourceDefinition, is not ready meanwhile, and says so once', async () => {
    operator = await startOperator({ kubeconfig, until: 'listening' });
    // Its retries are in the debug log.
    await eventually(() => expect(operator.log(NOT_SERVED)).to.have.length.of.at.least(2));
    const complained = complaints(operator).map(({ message }) => message);
    const unready = await operator.get('health', '/readyz');

    await controlPlane.applyCrd(CRDS);
    await operator.waitFor('reconciling', 40_000);

    expect(complained).to.deep.equal([NOT_SERVED]);
    expect(unready.status).to.equal(503);
    expect(unready.text).to.contain('configmapsyncs: not listed yet');
    await eventually(async () => expect((await operator.get('health', '/readyz')).status).to.equal(200));
  });

  it('syncs from then on', async () => {
    tenant = await TestTenant.create(api);
    target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ syncToNamespaces: [target] });

    await tenant.copied(target, { key: 'value' });
    await tenant.ready();
  });

  it('carries on when the API server was killed and comes back: watches go on, and copies stay what they are', async () => {
    const copy = await tenant.copy(target);

    await controlPlane.restartApiServer('SIGKILL');
    await tenant.patchSource({ data: { key: 'newer' } });

    const newer = await tenant.copied(target, { key: 'newer' }, { timeoutMs: 40_000 });
    expect(newer.metadata.uid).to.equal(copy?.metadata.uid);
    await tenant.ready();
    await eventually(async () => expect((await operator.get('health', '/readyz')).status).to.equal(200));
  });

  it('ends within 10 s, with exit code 0, when it is told to while the API server is away', async () => {
    await controlPlane.stopApiServer('SIGKILL');

    const exit = await operator.stop();

    expect(exit).to.deep.include({ code: 0, signal: null });
    expect(exit.milliseconds).to.be.below(10_000);
  });

  it('waits for an API server that is not there yet, and says so once', async () => {
    operator = await startOperator({ kubeconfig, until: 'listening' });
    await eventually(() => expect(complaints(operator)).to.have.length(1));
    // Its retries are in the debug log.
    await eventually(() =>
      expect(
        operator.log().filter(({ message }) => message.startsWith('waiting for the API server')).length,
      ).to.be.at.least(3),
    );
    const unready = await operator.get('health', '/readyz');
    const complained = complaints(operator).map(({ message }) => message);

    await controlPlane.startApiServer();
    await operator.waitFor('reconciling', 30_000);

    expect(complained).to.have.length(1);
    expect(complained[0]).to.match(/^waiting for the API server: /);
    expect(unready.status).to.equal(503);
    await tenant.patchSource({ data: { key: 'newest' } });
    await tenant.copied(target, { key: 'newest' });
  });

  it('ends within 10 s, with exit code 0, and says that it did', async () => {
    const exit = await operator.stop();

    expect(exit).to.deep.include({ code: 0, signal: null });
    expect(exit.milliseconds).to.be.below(2000);
    expect(operator.log().at(-1)?.message).to.equal('stopped');
  });

  it('finishes what is in flight when it is told to end: no target is left half done', async () => {
    const busy = await startOperator({ kubeconfig, args: ['--max-concurrent-requests=2'] });
    const targets = await Promise.all(Array.from({ length: 24 }, () => tenant.target()));
    await tenant.createSync({ syncToNamespaces: targets, target: { name: 'in-flight' } }, 'many');
    const made = async (): Promise<boolean[]> => {
      const copies = await Promise.all(targets.map((namespace) => tenant.copy(namespace, 'in-flight')));
      return copies.map((copy) => copy !== undefined);
    };
    await eventually(async () => expect(await made()).to.include(true), { intervalMs: 1 });

    const exit = await busy.stop();

    expect(exit).to.deep.include({ code: 0, signal: null });
    expect(exit.milliseconds).to.be.below(10_000);
    expect(await made()).to.not.include(false);
    expect((await tenant.status('many')).summary).to.equal('24/24');
  });

  it('ends within 10 s, with exit code 0, while the API server hangs in the midst of a thousand questions', async () => {
    const asking = await startOperator({ kubeconfig });
    const log = await AuditLog.fromNow(controlPlane.auditLog);
    const nowhere = Array.from({ length: 1000 }, (_, index) => `nowhere-${index}`);
    await tenant.createSync({ syncToNamespaces: nowhere }, 'crowd');
    await eventually(
      async () => expect(await log.entries({ resource: 'selfsubjectrulesreviews' })).to.have.length.above(50),
      { intervalMs: 5 },
    );
    const [, apiServer] = controlPlane.pids;
    process.kill(apiServer!, 'SIGSTOP');

    const exit = await asking.stop().finally(() => process.kill(apiServer!, 'SIGCONT'));

    expect(exit).to.deep.include({ code: 0, signal: null });
    expect(exit.milliseconds).to.be.below(10_000);
  });
});
