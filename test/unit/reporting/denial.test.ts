import { expect } from 'chai';
import fc from 'fast-check';
import { denialsOf, DenialRegister, type Denial } from '../../../src/reporting/denial.js';
import { syncObject } from '../../support/sync-object.js';
import { statusOf, target } from './statuses.js';

function denials(namespace: string, name: string, count: number): Denial[] {
  return Array.from({ length: count }, (_, index) => ({
    namespace,
    name,
    serviceAccount: 'default',
    targetNamespace: `target-${index}`,
    state: 'Denied',
    reason: 'MissingPermissions',
    missingVerbs: ['create'],
    since: '2026-01-02T03:04:05Z',
  }));
}

describe('the denials of a status', () => {
  it('are its denied and stale targets', () => {
    const status = statusOf([
      target('dev', 'Synced'),
      target('lab', 'Stale', { reason: 'SourceDenied' }),
      target('prod', 'Denied', { reason: 'MissingPermissions', missingVerbs: ['create'] }),
    ]);

    const common = {
      namespace: 'team-a',
      name: 'share',
      serviceAccount: 'default',
      since: '2026-01-02T03:04:05Z',
    };
    expect(denialsOf(syncObject(), status)).to.deep.equal([
      { ...common, targetNamespace: 'lab', state: 'Stale', reason: 'SourceDenied', missingVerbs: [] },
      {
        ...common,
        targetNamespace: 'prod',
        state: 'Denied',
        reason: 'MissingPermissions',
        missingVerbs: ['create'],
      },
    ]);
  });

  it('are none without a status', () => {
    expect(denialsOf(syncObject(), undefined)).to.deep.equal([]);
  });
});

describe('the denial register', () => {
  it('gives everything within the limit', () => {
    const register = new DenialRegister();
    register.set('team-a/share', denials('team-a', 'share', 2));
    register.set('team-b/share', denials('team-b', 'share', 1));

    const { series, dropped } = register.series(3);

    expect(series).to.have.length(3);
    expect(dropped).to.equal(0);
  });

  it('shares the limit among tenants: one with thousands hides nobody’s few', () => {
    const register = new DenialRegister();
    register.set('team-a/big', denials('team-a', 'big', 5000));
    register.set('team-a/bigger', denials('team-a', 'bigger', 5000));
    register.set('team-b/small', denials('team-b', 'small', 3));

    const { series, dropped } = register.series(10);

    expect(series.filter(({ namespace }) => namespace === 'team-b')).to.have.length(3);
    expect(series).to.have.length(10);
    expect(dropped).to.equal(10_003 - 10);
  });

  it('replaces what a ConfigMapSync had, and forgets it when nothing is denied or it is gone', () => {
    const register = new DenialRegister();
    register.set('team-a/share', denials('team-a', 'share', 3));
    register.set('team-a/share', denials('team-a', 'share', 1));
    expect(register.series(10).series).to.have.length(1);

    register.set('team-a/share', []);
    expect(register.series(10).series).to.deep.equal([]);

    register.set('team-a/share', denials('team-a', 'share', 1));
    register.set('team-a/share', []);
    expect(register.series(10)).to.deep.equal({ series: [], dropped: 0 });
  });

  it('always gives the same choice, in whatever order the denials came', () => {
    const entries = [1, 2, 3, 4].map((n) => [`team-${n}/s`, denials(`team-${n}`, 's', n)] as const);
    const [forwards, backwards] = [new DenialRegister(), new DenialRegister()];
    for (const [key, value] of entries) forwards.set(key, value);
    for (const [key, value] of entries.toReversed()) backwards.set(key, value);

    expect(forwards.series(5)).to.deep.equal(backwards.series(5));
  });

  it('counts every denial once: exported or dropped, and nobody has two more than another that wants more', () => {
    const tenants = fc.uniqueArray(fc.record({ id: fc.nat(9), count: fc.nat(12) }), {
      selector: ({ id }) => id,
    });
    fc.assert(
      fc.property(tenants, fc.nat(30), (all, limit) => {
        const register = new DenialRegister();
        for (const { id, count } of all) register.set(`team-${id}/s`, denials(`team-${id}`, 's', count));

        const { series, dropped } = register.series(limit);

        const total = all.reduce((sum, { count }) => sum + count, 0);
        expect(series.length + dropped).to.equal(total);
        expect(series.length).to.equal(Math.min(limit, total));
        const shares = all.map(({ id, count }) => {
          const share = series.filter(({ namespace }) => namespace === `team-${id}`).length;
          return { share, hungry: share < count };
        });
        const most = Math.max(0, ...shares.map(({ share }) => share));
        for (const { share, hungry } of shares) if (hungry) expect(share).to.be.at.least(most - 1);
      }),
    );
  });
});
