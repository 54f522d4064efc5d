import { expect } from 'chai';
import fc from 'fast-check';
import { FairLimiter } from '../../../src/tenant/fair-limiter.js';
import { settle } from '../../support/fakes/fake-clock.js';

type Release = () => void;

/** Asks for a place and notes, when it is given, whose turn it was. */
function ask(limiter: FairLimiter, tenant: string, served: { tenant: string; release: Release }[]): void {
  void limiter.acquire(tenant).then((release) => served.push({ tenant, release }));
}

describe('the fair limiter', () => {
  it('lets as many in at once as there are places', async () => {
    const limiter = new FairLimiter(2);
    const served: { tenant: string; release: Release }[] = [];

    for (let request = 0; request < 3; request += 1) ask(limiter, 'a', served);
    await settle();
    expect(served).to.have.length(2);

    served[0]!.release();
    await settle();
    expect(served).to.have.length(3);
  });

  it('serves a newcomer next, however many another tenant has waiting', async () => {
    const limiter = new FairLimiter(1);
    const served: { tenant: string; release: Release }[] = [];
    for (let request = 0; request < 1000; request += 1) ask(limiter, 'greedy', served);
    await settle();
    ask(limiter, 'modest', served);

    for (let turn = 0; turn < 2; turn += 1) {
      served.at(-1)!.release();
      await settle();
    }

    expect(served.map(({ tenant }) => tenant)).to.include('modest');
  });

  it('serves the tenants in turns, and each in the order of its requests', async () => {
    const limiter = new FairLimiter(1);
    const order: string[] = [];
    const visit = (tenant: string, what: string): Promise<void> =>
      limiter.run(tenant, () => Promise.resolve(void order.push(what)));

    await Promise.all([
      visit('a', 'a1'),
      visit('a', 'a2'),
      visit('a', 'a3'),
      visit('b', 'b1'),
      visit('b', 'b2'),
      visit('c', 'c1'),
    ]);

    expect(order).to.deep.equal(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  it('gives up waiting when the signal aborts, with its reason', async () => {
    const limiter = new FairLimiter(1);
    const release = await limiter.acquire('a');
    const controller = new AbortController();
    const waiting = limiter.acquire('b', controller.signal).catch((error: unknown) => error);

    controller.abort(new Error('enough'));

    expect(await waiting).to.have.property('message', 'enough');
    release();
    await limiter.acquire('c');
  });

  it('does not even queue what was aborted before', async () => {
    const failure = await new FairLimiter(1)
      .acquire('a', AbortSignal.abort(new Error('too late')))
      .catch((error: unknown) => error);

    expect(failure).to.have.property('message', 'too late');
  });

  it('takes a place back once, however often it is given back', async () => {
    const limiter = new FairLimiter(1);
    const release = await limiter.acquire('a');
    release();
    release();
    await limiter.acquire('a');
    let second = false;
    void limiter.acquire('a').then(() => (second = true));

    await settle();

    expect(second).to.equal(false);
  });

  it('gives the place back when the task fails', async () => {
    const limiter = new FairLimiter(1);
    await limiter.run('a', () => Promise.reject(new Error('failed'))).catch(() => undefined);

    expect(await limiter.run('a', () => Promise.resolve('served'))).to.equal('served');
  });

  it('knows whether it serves others, also those who only wait', async () => {
    const limiter = new FairLimiter(1);
    const release = await limiter.acquire('a');
    expect(limiter.servesOthersThan('a')).to.equal(false);
    expect(limiter.servesOthersThan('b')).to.equal(true);

    const later = limiter.acquire('b');
    expect(limiter.servesOthersThan('a')).to.equal(true);

    release();
    (await later)();
    expect(limiter.servesOthersThan('a')).to.equal(false);
    expect(limiter.servesOthersThan('b')).to.equal(false);
  });

  it('counts those who are attended to without a request of theirs, for as long as that takes', async () => {
    const limiter = new FairLimiter(1);
    const [leave, leaveAgain] = [limiter.attend('a'), limiter.attend('a')];
    expect(limiter.servesOthersThan('b')).to.equal(true);
    expect(limiter.servesOthersThan('a')).to.equal(false);
    expect(await limiter.run('b', () => Promise.resolve('served'))).to.equal('served');

    leave();
    expect(limiter.servesOthersThan('b')).to.equal(true);
    leaveAgain();
    expect(limiter.servesOthersThan('b')).to.equal(false);
  });

  it('knows how many wait', async () => {
    const limiter = new FairLimiter(1);
    const served: { tenant: string; release: Release }[] = [];
    for (const tenant of ['a', 'a', 'b']) ask(limiter, tenant, served);
    await settle();
    expect(limiter.waiting).to.equal(2);
  });

  it('hands out as many places as there are at that moment, and overtakes nobody who waits', async () => {
    let places = 3;
    const limiter = new FairLimiter(() => places);
    const served: { tenant: string; release: Release }[] = [];
    for (let request = 0; request < 10; request += 1) ask(limiter, 'a', served);
    await settle();
    expect(served).to.have.length(3);

    places = 1;
    for (const { release } of served.splice(0)) release();
    await settle();
    expect(served).to.have.length(1);

    places = 4;
    ask(limiter, 'b', served);
    await settle();
    expect(served).to.have.length(1);
    served[0]!.release();
    await settle();
    expect(served.map(({ tenant }) => tenant)).to.deep.equal(['a', 'a', 'b', 'a', 'a']);
  });

  it('loses no place and hands out none twice, whatever comes, goes and gives up', async () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant('ask' as const), tenant: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ do: fc.constant('release' as const), which: fc.nat(20) }),
      fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }),
      fc.record({ do: fc.constant('settle' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(command, { maxLength: 60 }),
        async (places, commands) => {
          const limiter = new FairLimiter(places);
          const waiting = new Set<AbortController>();
          const held: Release[] = [];
          let most = 0;
          for (const command of commands) {
            if (command.do === 'ask') {
              const controller = new AbortController();
              waiting.add(controller);
              void limiter.acquire(command.tenant, controller.signal).then(
                (release) => {
                  waiting.delete(controller);
                  held.push(release);
                  most = Math.max(most, held.length);
                },
                () => waiting.delete(controller),
              );
            } else if (command.do === 'release') {
              held.splice(command.which, 1)[0]?.();
            } else if (command.do === 'abort') {
              [...waiting][command.which]?.abort(new Error('enough'));
            } else {
              await settle();
            }
          }
          await settle();
          expect(most).to.be.at.most(places);
          expect(
            waiting.size === 0 || held.length === places,
            'a place is free while somebody waits',
          ).to.equal(true);

          while (held.length > 0) {
            held.pop()!();
            await settle();
          }
          for (let place = 0; place < places; place += 1) await limiter.acquire('late');
        },
      ),
    );
  });
});
