import { expect } from 'chai';
import fc from 'fast-check';
import { FairSeries } from '../../../../src/telemetry/metrics/fair-series.js';

type Labels = 'tenant' | 'owner' | 'index';

function series(tenant: string, owner: string, count: number) {
  return Array.from({ length: count }, (_, index) => [{ tenant, owner, index: `${index}` }, 1] as const);
}

function fair(limit: number, owners: [tenant: string, owner: string, count: number][]): FairSeries<Labels> {
  const all = new FairSeries<Labels>(limit);
  for (const [tenant, owner, count] of owners) all.set(tenant, owner, series(tenant, owner, count));
  return all;
}

describe('FairSeries', () => {
  it('exposes everything within the limit', () => {
    const all = fair(3, [
      ['team-a', 'share', 2],
      ['team-b', 'share', 1],
    ]);

    expect(all.exposed()).to.have.deep.members([
      ...series('team-a', 'share', 2),
      ...series('team-b', 'share', 1),
    ]);
    expect(all.dropped).to.equal(0);
  });

  it('shares the limit among tenants: one with thousands hides nobody’s few', () => {
    const all = fair(10, [
      ['team-a', 'big', 5000],
      ['team-a', 'bigger', 5000],
      ['team-b', 'small', 3],
    ]);

    const exposed = all.exposed();

    expect(exposed.filter(([{ tenant }]) => tenant === 'team-b')).to.have.length(3);
    expect(exposed).to.have.length(10);
    expect(all.dropped).to.equal(10_003 - 10);
  });

  it('replaces what an owner had, and forgets it when it has none', () => {
    const all = fair(10, [
      ['team-a', 'share', 3],
      ['team-a', 'share', 1],
    ]);
    expect(all.exposed()).to.have.length(1);
    expect(all.has('team-a')).to.equal(true);

    all.set('team-a', 'share', []);
    all.set('team-a', 'never-there', []);

    expect(all.exposed()).to.deep.equal([]);
    expect(all.dropped).to.equal(0);
    expect(all.has('team-a')).to.equal(false);
  });

  it('always gives the same choice, in whatever order the series came', () => {
    const owners = [1, 2, 3, 4].flatMap((n): [string, string, number][] => [
      [`team-${n}`, 's', n],
      [`team-${n}`, 'a', 1],
    ]);

    expect(fair(5, owners).exposed()).to.deep.equal(fair(5, owners.toReversed()).exposed());
  });

  it('counts on while a counter is not exposed', () => {
    const all = new FairSeries<Labels>(1);
    const labels = { tenant: 'team-b', owner: 'b', index: '0' };
    all.inc('team-b', 'b', labels);
    all.inc('team-b', 'b', { ...labels, index: '1' });
    all.set('team-a', 'a', series('team-a', 'a', 1));
    all.inc('team-b', 'b', labels, 2);
    expect(all.exposed()).to.deep.equal(series('team-a', 'a', 1));

    all.set('team-a', 'a', []);

    expect(all.exposed()).to.deep.equal([[labels, 3]]);
  });

  it('counts every series once: exposed or dropped, and nobody has two more than another that wants more', () => {
    const owner = fc.record({ id: fc.nat(9), owner: fc.nat(2), count: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(owner), fc.nat(30), (owners, limit) => {
        const all = fair(
          limit,
          owners.map(({ id, owner, count }) => [`team-${id}`, `${owner}`, count]),
        );
        const newest = new Map(owners.map(({ id, owner, count }) => [`team-${id}/${owner}`, count]));
        const wanted = Map.groupBy(newest, ([key]) => key.split('/')[0] ?? '');

        const exposed = all.exposed();

        const total = [...newest.values()].reduce((sum, count) => sum + count, 0);
        expect(exposed.length + all.dropped).to.equal(total);
        expect(exposed.length).to.equal(Math.min(limit, total));
        expect(new Set(exposed.map(([labels]) => JSON.stringify(labels)))).to.have.property(
          'size',
          exposed.length,
        );
        const shares = [...wanted].map(([tenant, counts]) => {
          const share = exposed.filter(([labels]) => labels.tenant === tenant).length;
          return { share, hungry: share < counts.reduce((sum, [, count]) => sum + count, 0) };
        });
        const most = Math.max(0, ...shares.map(({ share }) => share));
        for (const { share, hungry } of shares) if (hungry) expect(share).to.be.at.least(most - 1);
      }),
    );
  });

  it('takes as long for 100,000 series of a tenant as for what is exposed of them', () => {
    let read = 0;
    const all = new FairSeries<Labels>(100);
    for (let index = 0; index < 1000; index += 1) {
      const counted = new Proxy(series('team-a', `${index}`, 100), {
        get: (target, key) => {
          if (typeof key === 'string' && /^\d+$/.test(key)) read += 1;
          return Reflect.get(target, key) as unknown;
        },
      });
      all.set('team-a', `${index}`, counted);
    }
    read = 0;

    all.exposed();

    expect(read).to.be.at.most(101);
  });
});
