import { expect } from 'chai';
import { Notifier } from '../../../src/reporting/notifier.js';
import { NO_WORK } from '../../../src/sync/result.js';
import { outcomeOf } from '../../../src/sync/outcomes.js';
import type { RecordedEvent } from '../../../src/k8s/events/event-series.js';
import type { AuditEntry } from '../../../src/telemetry/logging/audit-sink.js';
import type { AccessDecision } from '../../../src/tenant/tenant-config-maps.js';
import { planOf, resultOf, targetResult } from '../sync/results.js';
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

describe('the notifier', () => {
  let events: RecordedEvent[];
  let hasRoom: (event: RecordedEvent) => boolean;
  let dropped: number;
  let lines: AuditEntry[];
  let counted: string[];
  let measured: string[];
  let targets: Map<string, Readonly<Partial<Record<string, number>>>>;
  let deniedSeries: Map<string, readonly string[]>;
  let notifier: Notifier;
  const sync = syncObject();
  const now = Date.UTC(2026, 0, 2, 3, 4, 5);

  beforeEach(() => {
    events = [];
    hasRoom = () => true;
    dropped = 0;
    lines = [];
    counted = [];
    measured = [];
    targets = new Map();
    deniedSeries = new Map();
    notifier = new Notifier({
      events: { record: (event) => hasRoom(event) && events.push(event) > 0 },
      metrics: {
        setTargets: (namespace, name, counts) => targets.set(`${namespace}/${name}`, counts),
        setDenied: (namespace, name, account, denied) =>
          deniedSeries.set(`${namespace}/${name} ${account}`, denied),
        setLastSync: (namespace, name, seconds) => measured.push(`last ${namespace}/${name} ${seconds}`),
        propagated: (seconds) => measured.push(`propagated ${seconds}`),
        countDenial: (namespace, account, verb) => counted.push(`${namespace} ${account} ${verb}`),
        cleanupAbandoned: (namespace, name) => counted.push(`abandoned ${namespace}/${name}`),
        eventsDropped: (tenant, count) => (dropped += tenant === 'team-a' ? count : 0),
        forget: (namespace, name) => targets.delete(`${namespace}/${name}`),
      },
      log: { write: (entry) => lines.push(entry) },
    });
  });

  it('has a line for every decision of the API server, and counts the denials', () => {
    notifier.decided(sync, decision());
    notifier.decided(
      sync,
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
    const found = targetResult(outcomeOf(denied), { auditID: 'audit-7' });
    const result = resultOf(planOf(), {}, { targets: new Map([['prod', found]]) });
    await notifier.report(undefined, { ...statusOf([denied]), serviceAccount: username }, result, now);

    expect(
      lines.map(({ verb, decision, code, auditID }) => ({ verb, decision, code, auditID })),
    ).to.deep.equal([
      { verb: 'create', decision: 'denied', code: 403, auditID: 'audit-7' },
      { verb: 'delete', decision: 'denied', code: 403, auditID: 'audit-7' },
    ]);
    expect(counted).to.deep.equal(['team-a default create', 'team-a default delete']);
  });

  it('has one line for a verb that was both tried and found missing', async () => {
    const found = targetResult(outcomeOf(denied), { refused: ['create'] });
    const result = resultOf(planOf(), {}, { targets: new Map([['prod', found]]) });
    await notifier.report(undefined, statusOf([denied]), result, now);

    expect(lines.map(({ verb }) => verb)).to.deep.equal(['delete']);
  });

  it('has no line for verbs that the last status tells of already', async () => {
    await notifier.report(
      statusOf([{ ...denied, missingVerbs: ['delete'] }]),
      statusOf([denied]),
      resultOf(planOf()),
      now,
    );

    expect(lines.map(({ verb }) => verb)).to.deep.equal(['create']);
  });

  it('has lines for the verbs that another ServiceAccount lacks, though the last one lacked the same', async () => {
    const other = 'system:serviceaccount:team-a:other';
    await notifier.report(
      { ...statusOf([denied]), serviceAccount: other },
      { ...statusOf([denied]), serviceAccount: username },
      resultOf(planOf()),
      now,
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
      notifier.identityRefused(sync, undefined, refusal);

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
      notifier.identityRefused(sync, refusedBefore, refusal);

      expect(lines).to.deep.equal([]);
    });

    it('has a line for another reason, and for another ServiceAccount', () => {
      const found = { ...refusal, reason: 'ServiceAccountNotFound', code: 404 } as const;
      notifier.identityRefused(sync, refusedBefore, found);
      const other = syncObject({ spec: { serviceAccount: { name: 'other' } } });
      notifier.identityRefused(other, refusedBefore, refusal);

      expect(lines.map(({ serviceAccount, reason }) => [serviceAccount, reason])).to.deep.equal([
        [username, 'ServiceAccountNotFound'],
        ['system:serviceaccount:team-a:other', 'TokenRequestDenied'],
      ]);
    });
  });

  it('tells by Events of the ConfigMapSync, related to the Namespace', async () => {
    await notifier.report(undefined, statusOf([{ ...denied, message: 'may not' }]), resultOf(planOf()), now);

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
    notifier.event(sync, { type: 'Warning', reason: 'CleanupAbandoned', note: 'left behind' });

    expect(events[0]).to.include({ reason: 'CleanupAbandoned', action: 'CleanUp' });
    expect(counted).to.deep.equal(['abandoned team-a/share']);
  });

  it('measures the targets by state, and what is denied', async () => {
    await notifier.report(
      undefined,
      statusOf([denied, target('dev', 'Synced'), target('lab', 'Synced'), target('old', 'Stale')]),
      resultOf(planOf()),
      now,
    );

    expect(targets.get('team-a/share')).to.deep.equal({ Synced: 2, Denied: 1, Stale: 1 });
    expect([...deniedSeries]).to.deep.equal([['team-a/share default', ['prod', 'old']]]);
  });

  it('forgets all series of a ConfigMapSync that is gone', async () => {
    await notifier.report(undefined, statusOf([denied]), resultOf(planOf()), now);

    notifier.forget('team-a', 'share');

    expect(targets.size).to.equal(0);
  });

  it('tells what was done, of a deletion only at its end', async () => {
    const work = { ...NO_WORK, created: 2 };
    await notifier.report(undefined, statusOf([]), resultOf(planOf(), {}, { work }), now);
    const deletion = resultOf(planOf({}, { purpose: 'finalize' }), {}, { work: { ...NO_WORK, deleted: 1 } });
    await notifier.report(undefined, statusOf([]), deletion, now);

    expect(events.map(({ reason, note }) => `${reason}: ${note}`)).to.deep.equal([
      'Synced: copies: 2 created, 0 updated, 0 removed',
    ]);
  });

  describe('when all targets of a plan have come to an end', () => {
    const inSync = { ...statusOf([target('prod', 'Synced')]), syncedTargets: 1, wantedTargets: 1 };
    const created = { ...NO_WORK, created: 1 };
    const noticedAt = now - 1_500;

    it('measures when all was in sync, and how long a change of the source took to get there', async () => {
      const plan = planOf({ syncToNamespaces: ['prod'] }, { since: noticedAt });
      const next = { ...inSync, contentHash: 'sha256:bb' };
      await notifier.report(
        { ...inSync, contentHash: 'sha256:aa' },
        next,
        resultOf(plan, {}, { work: created }),
        now,
      );

      expect(measured).to.deep.equal(['propagated 1.5', `last team-a/share ${now / 1000}`]);
    });

    it('measures how long it took to the last one, where the others were told of before', async () => {
      const plan = planOf({ syncToNamespaces: ['prod'] }, { since: now });
      await notifier.report(
        inSync,
        inSync,
        resultOf(plan, {}, { work: created, spreadingSince: noticedAt }),
        now,
      );

      expect(measured[0]).to.equal('propagated 1.5');
    });

    it('measures neither while one is under way, nor where one is not in sync', async () => {
      const plan = planOf({ syncToNamespaces: ['prod'] }, { since: noticedAt });
      const underWay = new Map([['prod', undefined]]);
      await notifier.report(undefined, inSync, resultOf(plan, {}, { work: created, underWay }), now);
      await notifier.report(undefined, { ...inSync, syncedTargets: 0 }, resultOf(plan), now);

      expect(measured).to.deep.equal([]);
    });
  });

  describe('where Events have no room', () => {
    const reason = 'NamespaceDenied';
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ ...denied, namespace: name }));
    const all = statusOf([a!, b!, c!]);
    const report = (from: typeof all | undefined, to: typeof all): Promise<void> =>
      notifier.report(from, to, resultOf(planOf()), now);
    const told = (): string[] => events.map(({ related, reason: why }) => `${why} ${related?.name ?? '*'}`);

    /** Only Events about these namespaces, and of ConfigMapSyncs as a whole. */
    function roomFor(...namespaces: string[]): void {
      hasRoom = ({ related }) => related === undefined || namespaces.includes(related.name);
    }

    it('has one summary of each reason, with the number that there are when it is written', async () => {
      roomFor('a');
      await report(undefined, statusOf([a!, b!]));
      await report(statusOf([a!, b!]), all);
      await report(all, all);

      expect(told()).to.deep.equal([`${reason} a`, `${reason} *`]);
      expect(events[1]?.note).to.equal(
        '2 more have no Event of their own: see status.targets, or run "config-weaver audit -n team-a"',
      );
      expect(dropped).to.equal(2);
    });

    it('tells the rest with a later report, once', async () => {
      roomFor('a');
      await report(undefined, all);
      roomFor('a', 'b', 'c');
      await report(all, all);
      await report(all, all);

      expect(told()).to.deep.equal([`${reason} a`, `${reason} *`, `${reason} b`, `${reason} c`]);
    });

    it('tells nothing of what does not hold any more', async () => {
      const granted = statusOf([a!, target('b', 'Synced'), c!]);
      roomFor('a');
      await report(undefined, all);
      roomFor('a', 'b', 'c');
      await report(all, granted);

      expect(told()).to.deep.equal([`${reason} a`, `${reason} *`, `${reason} c`]);
    });

    it('tells later that a namespace is allowed again, if that it was denied was told', async () => {
      const granted = statusOf([target('a', 'Synced'), target('b', 'Synced'), c!]);
      roomFor('a');
      await report(undefined, all);
      roomFor();
      await report(all, granted);
      roomFor('a', 'b', 'c');
      await report(granted, granted);

      expect(told()).to.deep.equal([
        `${reason} a`,
        `${reason} *`,
        'NamespaceAllowed *',
        'NamespaceAllowed a',
        `${reason} c`,
      ]);
    });

    it('tells conditions later, too', async () => {
      const next = statusOf([], [condition('SourceConfigMapFound', 'False', 'SourceDenied')]);
      hasRoom = () => false;
      await report(undefined, next);
      hasRoom = () => true;
      await report(next, next);

      expect(told()).to.deep.equal(['SourceDenied *']);
    });

    it('counts each report of copies that has no room, since none is told later', async () => {
      const result = resultOf(planOf(), {}, { work: { created: 1, updated: 0, deleted: 0 } });
      hasRoom = () => false;
      for (let turn = 0; turn < 3; turn += 1) await notifier.report(all, all, result, now);
      hasRoom = () => true;
      await report(all, all);

      expect(dropped).to.equal(3);
      expect(told()).to.deep.equal([]);
    });

    it('begins anew with another ConfigMapSync of the same name', async () => {
      roomFor('a');
      await report(undefined, all);
      const other = syncObject({ metadata: { ...sync.metadata, uid: 'uid-other' } });
      roomFor('a', 'b', 'c');
      await notifier.report(all, all, resultOf(planOf({}, { sync: other })), now);

      expect(told()).to.deep.equal([`${reason} a`, `${reason} *`]);
    });
  });
});
