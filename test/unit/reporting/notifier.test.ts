import { expect } from 'chai';
import { AuditTrail, type AuditRecord } from '../../../src/reporting/audit-trail.js';
import { DenialRegister } from '../../../src/reporting/denial-register.js';
import { noWork } from '../../../src/reporting/sync-work.js';
import type { RecordedEvent } from '../../../src/k8s/events/event-series.js';
import type { AuditEntry } from '../../../src/telemetry/logging/audit-sink.js';
import type { AccessDecision } from '../../../src/tenant/tenant-config-maps.js';
import { syncObject } from '../../support/sync-object.js';
import { condition, statusOf, target } from './statuses.js';

const username = 'system:serviceaccount:team-a:default';
const denied = target('prod', 'Denied', { reason: 'MissingPermissions', missingVerbs: ['create', 'delete'] });

function decision(overrides: Partial<AccessDecision> = {}): AccessDecision {
  return {
    username,
    verb: 'get',
    namespace: 'team-a',
    decision: 'allowed',
    reason: '',
    code: 200,
    auditID: 'audit-1',
    ...overrides,
  };
}

describe('the audit trail', () => {
  let events: RecordedEvent[];
  let lines: AuditEntry[];
  let counted: string[];
  let targets: Map<string, Record<string, number>>;
  let register: DenialRegister;
  let trail: AuditTrail;
  let record: AuditRecord;

  beforeEach(() => {
    events = [];
    lines = [];
    counted = [];
    targets = new Map();
    register = new DenialRegister();
    trail = new AuditTrail({
      events: { record: (event) => events.push(event) },
      metrics: {
        setTargets: (namespace, name, counts) => targets.set(`${namespace}/${name}`, counts),
        setLastSync: () => undefined,
        countDenial: (namespace, account, verb) => counted.push(`${namespace} ${account} ${verb}`),
        cleanupAbandoned: (namespace, name) => counted.push(`abandoned ${namespace}/${name}`),
        forget: (namespace, name) => targets.delete(`${namespace}/${name}`),
      },
      log: { write: (entry) => lines.push(entry) },
      register,
    });
    record = trail.begin(syncObject());
  });

  it('has a line for every decision of the API server, and counts the denials', () => {
    record.decided(decision());
    record.decided(
      decision({ verb: 'create', namespace: 'prod', decision: 'denied', reason: 'Forbidden', code: 403 }),
    );

    expect(lines[0]).to.deep.equal({
      configMapSync: { namespace: 'team-a', name: 'share' },
      serviceAccount: username,
      verb: 'get',
      namespace: 'team-a',
      decision: 'allowed',
      reason: '',
      code: 200,
      auditID: 'audit-1',
    });
    expect(lines[1]).to.include({ verb: 'create', namespace: 'prod', decision: 'denied', code: 403 });
    expect(counted).to.deep.equal(['team-a default create']);
  });

  it('has a line for each missing verb that was never tried, with the answer that showed it', async () => {
    record.refused('prod', 'audit-7');
    await record.finish(undefined, { ...statusOf([denied]), serviceAccount: username }, noWork());

    expect(
      lines.map(({ verb, decision, code, auditID }) => ({ verb, decision, code, auditID })),
    ).to.deep.equal([
      { verb: 'create', decision: 'denied', code: 403, auditID: 'audit-7' },
      { verb: 'delete', decision: 'denied', code: 403, auditID: 'audit-7' },
    ]);
    expect(counted).to.deep.equal(['team-a default create', 'team-a default delete']);
  });

  it('has one line for a verb that was both tried and found missing', async () => {
    record.decided(
      decision({ verb: 'create', namespace: 'prod', decision: 'denied', reason: 'Forbidden', code: 403 }),
    );
    await record.finish(undefined, statusOf([denied]), noWork());

    expect(lines.map(({ verb }) => verb)).to.deep.equal(['create', 'delete']);
  });

  it('has no line for verbs that the last status tells of already', async () => {
    await record.finish(statusOf([{ ...denied, missingVerbs: ['delete'] }]), statusOf([denied]), noWork());

    expect(lines.map(({ verb }) => verb)).to.deep.equal(['create']);
  });

  it('has lines for the verbs that another ServiceAccount lacks, though the last one lacked the same', async () => {
    const other = 'system:serviceaccount:team-a:other';
    await record.finish(
      { ...statusOf([denied]), serviceAccount: other },
      { ...statusOf([denied]), serviceAccount: username },
      noWork(),
    );

    expect(lines.map(({ serviceAccount, verb }) => [serviceAccount, verb])).to.deep.equal([
      [username, 'create'],
      [username, 'delete'],
    ]);
  });

  describe('of an identity that cannot be had', () => {
    const refusal = { reason: 'TokenRequestDenied', code: 403, auditID: 'audit-9' } as const;
    const refusedBefore = {
      ...statusOf([], [condition('ValidServiceAccount', 'False', 'TokenRequestDenied')]),
      serviceAccount: username,
    };

    it('has a line with the answer to the request for a token, and counts no verb on ConfigMaps', () => {
      record.identityRefused(refusal);

      expect(lines).to.deep.equal([
        {
          configMapSync: { namespace: 'team-a', name: 'share' },
          serviceAccount: username,
          verb: 'create',
          namespace: 'team-a',
          decision: 'denied',
          reason: 'TokenRequestDenied',
          code: 403,
          auditID: 'audit-9',
        },
      ]);
      expect(counted).to.deep.equal([]);
    });

    it('has no line for what the status tells of already: neither for each try, nor after a restart', () => {
      trail.begin(syncObject({ status: refusedBefore })).identityRefused(refusal);

      expect(lines).to.deep.equal([]);
    });

    it('has a line for another reason, and for another ServiceAccount', () => {
      const found = { ...refusal, reason: 'ServiceAccountNotFound', code: 404 } as const;
      trail.begin(syncObject({ status: refusedBefore })).identityRefused(found);
      trail
        .begin(syncObject({ status: refusedBefore, spec: { serviceAccount: { name: 'other' } } }))
        .identityRefused(refusal);

      expect(lines.map(({ serviceAccount, reason }) => [serviceAccount, reason])).to.deep.equal([
        [username, 'ServiceAccountNotFound'],
        ['system:serviceaccount:team-a:other', 'TokenRequestDenied'],
      ]);
    });
  });

  it('tells by Events of the ConfigMapSync, related to the Namespace', async () => {
    await record.finish(undefined, statusOf([{ ...denied, message: 'may not' }]), noWork());

    expect(events).to.deep.equal([
      {
        regarding: {
          apiVersion: 'weaver.example.com/v1alpha1',
          kind: 'ConfigMapSync',
          namespace: 'team-a',
          name: 'share',
          uid: 'uid-share',
        },
        related: { apiVersion: 'v1', kind: 'Namespace', name: 'prod' },
        type: 'Warning',
        reason: 'NamespaceDenied',
        action: 'Sync',
        note: 'may not',
      },
    ]);
  });

  it('tells and counts copies that are left behind', () => {
    record.tell({ type: 'Warning', reason: 'CleanupAbandoned', note: 'left behind' });

    expect(events[0]).to.include({ reason: 'CleanupAbandoned', action: 'CleanUp' });
    expect(counted).to.deep.equal(['abandoned team-a/share']);
  });

  it('measures the targets by state, and what is denied', async () => {
    await record.finish(
      undefined,
      statusOf([denied, target('dev', 'Synced'), target('lab', 'Synced')]),
      noWork(),
    );

    expect(targets.get('team-a/share')).to.include({ Synced: 2, Denied: 1, Stale: 0 });
    expect(register.series(10).series.map(({ targetNamespace }) => targetNamespace)).to.deep.equal(['prod']);
  });

  it('forgets all series of a ConfigMapSync that is gone', async () => {
    await record.finish(undefined, statusOf([denied]), noWork());

    trail.forget('team-a', 'share');

    expect(targets.size).to.equal(0);
    expect(register.series(10).series).to.deep.equal([]);
  });

  describe('of a reconcile that broke off', () => {
    const work = { ...noWork(), created: 2 };

    it('tells what was done until then', () => {
      record.brokenOff(work);

      expect(events.map(({ reason, note }) => `${reason}: ${note}`)).to.deep.equal([
        'Synced: copies: 2 created, 0 updated, 0 removed',
      ]);
    });

    it('tells it once, where the error came after the end', async () => {
      await record.finish(undefined, statusOf([]), work);
      record.brokenOff(work);

      expect(events).to.have.length(1);
    });
  });
});
