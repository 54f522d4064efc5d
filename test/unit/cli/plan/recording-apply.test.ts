import { expect } from 'chai';
import { recordingApply, type PlannedWrite } from '../../../../src/cli/plan/recording-apply.js';
import type { Apply } from '../../../../src/controller/attempt.js';
import type { ConfigMapWrite } from '../../../../src/tenant/tenant-config-maps.js';
import { refusal } from '../../../support/fakes/fake-api.js';
import { PlanRig } from './plan-rig.js';

const shared = { namespace: 'prod', name: 'shared' };
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: shared };
const write: ConfigMapWrite<object> = {
  json: () => Buffer.from(JSON.stringify(configMap)),
  read: (answer) => JSON.parse(String(answer)) as object,
};

describe('writes that are only recorded', () => {
  let rig: PlanRig;
  let writes: PlannedWrite[];
  const { signal } = new AbortController();

  beforeEach(() => {
    rig = new PlanRig();
    writes = [];
  });

  afterEach(() => rig.tenancy.closeAll());

  async function apply(dryRun: boolean): Promise<Apply> {
    const session = await rig.tenancy.open(
      { namespace: 'team-a', name: 'share' },
      { namespace: 'team-a', name: 'default' },
    );
    return recordingApply((write) => writes.push(write), dryRun)(session, () => undefined);
  }

  async function writeAll(writer: Apply): Promise<unknown[]> {
    const answers = [await writer.create(shared, write, signal), await writer.update(shared, write, signal)];
    await writer.delete({ namespace: 'prod', name: 'former', uid: 'u', resourceVersion: '1' }, signal);
    return answers;
  }

  it('reach nobody, and answer as if they had been made', async () => {
    expect(await writeAll(await apply(false))).to.deep.equal([configMap, configMap]);

    expect(writes).to.deep.equal([
      { verb: 'create', name: 'shared' },
      { verb: 'update', name: 'shared' },
      { verb: 'delete', name: 'former' },
    ]);
    expect(rig.writes).to.deep.equal([]);
  });

  for (const [verb, attempt] of Object.entries({
    create: (writer: Apply) => writer.create(shared, write, signal),
    update: (writer: Apply) => writer.update(shared, write, signal),
    delete: (writer: Apply) => writer.delete({ namespace: 'prod', name: 'shared' }, signal),
  })) {
    it(`are refused where the ServiceAccount lacks ${verb}, as the API server would`, async () => {
      rig.rights.verbs = ['get', 'create', 'update', 'delete'].filter((each) => each !== verb);

      const failure = await attempt(await apply(true)).catch((error: unknown) => error);

      expect(failure).to.include({ code: 403, reason: 'Forbidden' });
      expect(failure).to.have.property('message').that.includes(`cannot ${verb} resource "configmaps"`);
      expect(writes).to.deep.equal([]);
      expect(rig.writes).to.deep.equal([]);
    });
  }

  it('are refused where the name is taken, unless by what the plan has deleted', async () => {
    rig.put('prod', { metadata: { name: 'shared' } });
    const writer = await apply(false);
    const failure = await writer.create(shared, write, signal).catch((error: unknown) => error);
    expect(failure).to.include({ code: 409, reason: 'AlreadyExists' });

    await writer.delete({ namespace: 'prod', name: 'shared' }, signal);

    expect(await writer.create(shared, write, signal)).to.deep.equal(configMap);
  });

  it('are not recorded where they only rehearse what is to come', async () => {
    await (await apply(false)).create(shared, write, signal, true);

    expect(writes).to.deep.equal([]);
  });

  describe('with a dry run on the server', () => {
    it('are dry runs, each of them', async () => {
      await writeAll(await apply(true));

      expect(rig.writes.map(({ method }) => method)).to.deep.equal(['POST', 'PUT', 'DELETE']);
      for (const { query } of rig.writes) expect(query).to.deep.equal({ dryRun: 'All' });
    });

    it('fail as the server says', async () => {
      const quota = refusal(422, 'Invalid');
      rig.dryRun = () => quota;

      const failure = await (
        await apply(true)
      )
        .create(shared, write, signal)
        .catch((error: unknown) => error);

      expect(failure).to.equal(quota);
    });

    it('do not ask for the successor of what was only deleted in the plan: the server still has it', async () => {
      rig.dryRun = ({ method }) => (method === 'POST' ? refusal(409, 'AlreadyExists') : undefined);
      const writer = await apply(true);
      await writer.delete({ namespace: 'prod', name: 'shared' }, signal);

      expect(await writer.create(shared, write, signal)).to.deep.equal(configMap);
      expect(rig.writes.map(({ method }) => method)).to.deep.equal(['DELETE']);
    });
  });
});
