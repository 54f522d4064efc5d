import { expect } from 'chai';
import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import type { TargetStatus } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import { AuditTrail } from '../../../src/reporting/audit-trail.js';
import { DenialRegister } from '../../../src/reporting/denial-register.js';
import { noWork } from '../../../src/reporting/sync-work.js';
import { judgeTargets, keepTargets } from '../../../src/controller/judgement.js';
import { missingKeysMessage, permissionsMessage, unsyncedMessage } from '../../../src/sync/messages.js';
import type { Pass } from '../../../src/controller/pass.js';
import { StatusDraft } from '../../../src/controller/status-draft.js';
import { deniedOutcome, SYNCED } from '../../../src/sync/outcomes.js';
import { type TargetOutcome } from '../../../src/sync/result.js';
import { selectTargets, sourceOf } from '../../../src/sync/targets.js';
import { target } from '../reporting/statuses.js';
import { syncObject } from '../../support/sync-object.js';

const username = 'system:serviceaccount:team-a:default';
const trail = new AuditTrail({
  events: { record: () => undefined },
  metrics: {
    setTargets: () => undefined,
    setLastSync: () => undefined,
    countDenial: () => undefined,
    cleanupAbandoned: () => undefined,
    forget: () => undefined,
  },
  log: { write: () => undefined },
  register: new DenialRegister(),
});

function passOf(spec: Partial<ConfigMapSyncSpec>, before: TargetStatus[] = []): Pass {
  const sync = syncObject({ spec, status: { targets: before } });
  return {
    key: 'team-a/share',
    sync,
    owner: { uid: 'uid-share', namespace: 'team-a', name: 'share' },
    account: { namespace: 'team-a', name: 'default' },
    source: sourceOf(sync.spec, 'team-a'),
    selection: selectTargets(sync.spec, 'team-a', []),
    before: new Map(before.map((status) => [status.namespace, status])),
    draft: new StatusDraft(sync, username, '2026-01-02T03:04:05Z'),
    audit: trail.begin(sync),
    work: noWork(),
    signal: new AbortController().signal,
  };
}

function condition({ draft }: Pass, type: string): string {
  const found = draft.build().conditions?.find((candidate) => candidate.type === type);
  return `${found?.status ?? ''} ${found?.reason ?? ''}: ${found?.message ?? ''}`;
}

function targetsOf({ draft }: Pass): string[] {
  return (draft.build().targets ?? []).map(
    ({ namespace, state, reason }) => `${namespace} ${state} ${reason ?? ''}`,
  );
}

describe('the judgement of the targets', () => {
  it('is good where every one is in step', () => {
    const pass = passOf({ syncToNamespaces: ['prod'] });
    judgeTargets(pass, new Map([['prod', SYNCED]]), []);

    expect(condition(pass, 'TargetsAuthorized')).to.equal('True AllTargetsAuthorized: ');
    expect(condition(pass, 'AllTargetsSynced')).to.equal('True AllConfigMapsSynced: ');
  });

  it('names each denied namespace and its missing verbs in the usual words', () => {
    const pass = passOf({ syncToNamespaces: ['a', 'b', 'c'] });
    const outcomes = new Map<string, TargetOutcome>([
      ['b', deniedOutcome(username, 'b', ['delete'], true)],
      ['c', SYNCED],
      ['a', deniedOutcome(username, 'a', ['create', 'update'], false)],
    ]);
    judgeTargets(pass, outcomes, []);

    expect(condition(pass, 'TargetsAuthorized')).to.equal(
      `False MissingPermissions: insufficient permissions on service account ${username}. Not authorized to create, update or delete configmaps in the following namespaces [a b]; missing verbs: a: create, update; b: delete`,
    );
    expect(condition(pass, 'AllTargetsSynced')).to.equal(
      'False SomeTargetsNotSynced: 1 of 3 targets are in step; not: a (Denied), b (Stale)',
    );
  });

  it('fails for want of targets, without the source’s own place', () => {
    const pass = passOf({ syncToNamespaces: ['team-a'] });
    judgeTargets(pass, new Map(), []);

    expect(condition(pass, 'AllTargetsSynced')).to.match(/^False NoTargets: /);
    expect(targetsOf(pass)).to.deep.equal(['team-a Skipped SourceItself']);
    expect(pass.draft.build().summary).to.equal('0/0');
  });

  it('names the keys that the source lacks, whether or not the rest is well', () => {
    const well = passOf({ syncToNamespaces: ['prod'] });
    judgeTargets(well, new Map([['prod', SYNCED]]), ['ca.crt']);
    const ill = passOf({ syncToNamespaces: ['prod'] });
    judgeTargets(ill, new Map([['prod', deniedOutcome(username, 'prod', ['get'], false)]]), ['ca.crt']);

    expect(condition(well, 'AllTargetsSynced')).to.equal(
      'True AllConfigMapsSynced: the source lacks these of spec.keys: ca.crt',
    );
    expect(condition(ill, 'AllTargetsSynced')).to.match(/; the source lacks these of spec\.keys: ca\.crt$/);
  });
});

describe('the targets of a visit that got no further than identity or source', () => {
  const before = [
    target('a', 'Synced'),
    target('b', 'Denied', { missingVerbs: ['get'] }),
    target('c', 'Pending', { reason: 'CopyKept' }),
    target('d', 'Conflict', { reason: 'NotOurs' }),
    target('gone', 'Stale'),
    target('left', 'Denied', { missingVerbs: ['get'] }),
  ];
  const spec = { syncToNamespaces: ['a', 'b', 'c', 'd', 'new'] };
  const all = ['a', 'b', 'c', 'd', 'new', 'gone', 'left'];

  it('are stale where there is a copy that cannot be kept in step', () => {
    const pass = passOf(spec, before);
    keepTargets(pass, all, { state: 'Stale', reason: 'SourceDenied' });

    expect(targetsOf(pass)).to.deep.equal([
      'a Stale SourceDenied',
      'b Pending NotEvaluated',
      'c Stale SourceDenied',
      'd Pending NotEvaluated',
      'gone Stale SourceDenied',
      'new Pending NotEvaluated',
    ]);
  });

  it('are kept where the source is gone and copies stay', () => {
    const pass = passOf(spec, before);
    keepTargets(pass, pass.selection.wanted, 'kept');

    expect(targetsOf(pass)).to.deep.equal([
      'a Pending CopyKept',
      'b Pending NotEvaluated',
      'c Pending CopyKept',
      'd Pending NotEvaluated',
      'new Pending NotEvaluated',
    ]);
  });

  it('are empty where copies were removed, but for those that could not be', () => {
    const pass = passOf(spec, before);
    pass.work.leftovers.push({ namespace: 'a', name: 'shared', message: 'may not delete it' });
    keepTargets(pass, pass.selection.wanted, 'removed');

    expect(targetsOf(pass).slice(0, 3)).to.deep.equal([
      'a Failed CleanupBlocked',
      'b Pending NotEvaluated',
      'c Pending NotEvaluated',
    ]);
  });
});

describe('the messages', () => {
  const many = Array.from({ length: 25 }, (_, n) => `ns-${String(n).padStart(2, '0')}`);

  it('name the first 20 of many, then a count', () => {
    const denied = new Map(many.map((namespace) => [namespace, ['get'] as const]));

    expect(permissionsMessage(username, denied)).to.include('ns-19 and 5 more]').and.not.to.include('ns-20');
    expect(unsyncedMessage(0, many)).to.match(
      /^0 of 25 targets are in step; not: ns-00, .*ns-19 and 5 more$/,
    );
    expect(missingKeysMessage(many)).to.match(/ns-19 and 5 more$/);
  });
});
