import { expect } from 'chai';
import type { ConditionStatus, ConditionType } from '../../../src/api/v1alpha1/condition.js';
import type { TargetStatus, Verb } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import { eventually } from '../../support/eventually.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, WATCH_VERBS, type TestTenant } from '../../support/tenant.js';

/** A tenant that lacks one right; `good` is a target where it lacks none. */
interface NamespacedName {
  tenant: TestTenant;
  good: string;
  prod: string;
}

type ExpectedCondition = [type: ConditionType, status: ConditionStatus, reason: string, message: string];

interface Row {
  /** The one right that is missing. */
  missing: string;
  verb: Verb;
  /** What the ServiceAccount may do with ConfigMaps of its own namespace, and of `prod`. */
  home: readonly string[];
  target: readonly string[];
  expected: (place: NamespacedName) => {
    /** What the status says of `prod`, without the time. */
    prod: Omit<TargetStatus, 'lastTransitionTime'>;
    /** State of the other target. */
    good: TargetStatus['state'];
    counts: { summary: string; deniedTargets: number };
    conditions: ExpectedCondition[];
    event: { reason: string; note: string; related: string | undefined };
    /** The namespace that the gauge names; undefined where it has no series. */
    gauge: string | undefined;
    /** `lines`: of a request that was refused there is one for each request, of a review one in all. */
    audit: { namespace: string; reason: string; lines: 'one' | 'each' };
  };
}

const HOME = ['get', ...WATCH_VERBS];

const NOT_EVALUATED = ['Unknown', 'NotEvaluated', 'not looked at yet'] as const;

function without(verb: Verb): string[] {
  return ALL_VERBS.filter((other) => other !== verb);
}

function sourceRow(): Row {
  return {
    missing: 'get in the source namespace',
    verb: 'get',
    home: WATCH_VERBS,
    target: ALL_VERBS,
    expected: ({ tenant: { namespace, username }, prod }) => {
      const message = `${username} may not get configmaps "source" in namespace "${namespace}": grant get there, and list and watch for changes to arrive at once`;
      return {
        prod: { namespace: prod, state: 'Pending', reason: 'NotEvaluated' },
        good: 'Pending',
        counts: { summary: '0/2', deniedTargets: 0 },
        conditions: [
          ['ValidServiceAccount', 'True', 'ServiceAccountValid', ''],
          ['SourceConfigMapFound', 'False', 'SourceDenied', message],
          ['TargetsAuthorized', ...NOT_EVALUATED],
          ['AllTargetsSynced', ...NOT_EVALUATED],
          ['Ready', 'False', 'SourceDenied', message],
        ],
        event: { reason: 'SourceDenied', note: message, related: undefined },
        gauge: undefined,
        audit: { namespace, reason: 'Forbidden', lines: 'each' },
      };
    },
  };
}

function targetRow(verb: Verb): Row {
  return {
    missing: `${verb} in a target namespace`,
    verb,
    home: HOME,
    target: without(verb),
    expected: ({ tenant: { username }, prod }) => {
      const note = `${username} may not ${verb} configmaps in namespace "${prod}"`;
      const insufficient = `insufficient permissions on service account ${username}. Not authorized to create, update or delete configmaps in the following namespaces [${prod}]; missing verbs: ${prod}: ${verb}`;
      return {
        prod: {
          namespace: prod,
          state: 'Denied',
          reason: 'MissingPermissions',
          message: note,
          missingVerbs: [verb],
        },
        good: 'Synced',
        counts: { summary: '1/2', deniedTargets: 1 },
        conditions: [
          ['ValidServiceAccount', 'True', 'ServiceAccountValid', ''],
          ['SourceConfigMapFound', 'True', 'ConfigMapFound', ''],
          ['TargetsAuthorized', 'False', 'MissingPermissions', insufficient],
          [
            'AllTargetsSynced',
            'False',
            'SomeTargetsNotSynced',
            `1 of 2 targets are in step; not: ${prod} (Denied)`,
          ],
          ['Ready', 'False', 'MissingPermissions', insufficient],
        ],
        event: { reason: 'NamespaceDenied', note, related: prod },
        gauge: prod,
        audit: { namespace: prod, reason: 'MissingPermissions', lines: 'one' },
      };
    },
  };
}

const ROWS: readonly Row[] = [
  sourceRow(),
  targetRow('get'),
  targetRow('create'),
  targetRow('update'),
  targetRow('delete'),
];

describe('the denial matrix', () => {
  let fixture: SyncFixture;
  const places = new Map<Row, NamespacedName>();

  before(async () => {
    fixture = await SyncFixture.start();
    await Promise.all(
      ROWS.map(async (row) => {
        const tenant = await fixture.tenant({ home: row.home });
        const good = await tenant.target();
        const prod = await tenant.target(row.target);
        await tenant.createSource({ data: { key: 'value' } });
        await tenant.createSync({ syncToNamespaces: [good, prod] });
        places.set(row, { tenant, good, prod });
      }),
    );
  });
  after(() => fixture.end());

  for (const row of ROWS) {
    it(`tells of ${row.missing}, when that alone is missing, in status, Event, metrics and audit log`, async () => {
      const place = places.get(row)!;
      const { tenant, good, prod } = place;
      const expected = row.expected(place);

      // Status.
      const status = await eventually(async () => {
        const { conditions = [], ...rest } = await tenant.status();
        const told = conditions.map(({ type, status, reason, message }) => [type, status, reason, message]);
        expect(told).to.have.deep.members(expected.conditions);
        return rest;
      });
      const found = status.targets?.find(({ namespace }) => namespace === prod);
      expect(found).to.deep.equal({ ...expected.prod, lastTransitionTime: found?.lastTransitionTime });
      expect(status.targets?.find(({ namespace }) => namespace === good)?.state).to.equal(expected.good);
      expect(status).to.deep.include({ ...expected.counts, wantedTargets: 2 });
      expect(await tenant.copy(prod), 'a copy where a right is missing').to.equal(undefined);

      // Event.
      const [event] = await eventually(async () => {
        const events = await tenant.events();
        const warnings = events.filter(({ type }) => type === 'Warning');
        expect(warnings.map(({ reason }) => reason)).to.deep.equal([expected.event.reason]);
        return warnings;
      });
      expect(event?.note).to.equal(expected.event.note);
      expect(event?.related?.name).to.equal(expected.event.related);
      expect(event?.related?.kind).to.equal(expected.event.related && 'Namespace');

      // Metrics.
      const { namespace } = tenant;
      const gauge = await fixture.operator.samples('configweaver_namespace_denied', { namespace });
      expect(gauge.map(({ labels, value }) => [labels, value])).to.deep.equal(
        expected.gauge === undefined
          ? []
          : [
              [
                {
                  ...{ namespace, name: 'sync', service_account: tenant.serviceAccount },
                  target_namespace: expected.gauge,
                },
                1,
              ],
            ],
      );
      const counters = await fixture.operator.samples('configweaver_denials_total', { namespace });
      const refusals = counters[0]?.value ?? 0;
      expect(counters.map(({ labels }) => labels)).to.deep.equal([
        { namespace, service_account: tenant.serviceAccount, verb: row.verb },
      ]);

      // Audit log.
      const lines = await eventually(() => {
        const denied = fixture.operator.audit(namespace).filter(({ decision }) => decision === 'denied');
        expect(denied.length).to.be.at.least(refusals);
        return denied;
      });
      for (const line of lines) {
        expect(line).to.deep.include({
          audit: true,
          configMapSync: { namespace, name: 'sync' },
          serviceAccount: tenant.username,
          verb: row.verb,
          namespace: expected.audit.namespace,
          reason: expected.audit.reason,
          code: 403,
        });
        expect(line.auditID).to.match(/^[0-9a-f-]{36}$/);
      }
      if (expected.audit.lines === 'one') expect([lines.length, refusals]).to.deep.equal([1, 1]);
      else expect(refusals).to.be.at.least(1);
    });
  }
});
