import { expect } from 'chai';
import fc from 'fast-check';
import { CopyCache, type Observation } from '../../../src/tenant/copy-cache.js';

interface Told {
  name: string;
  except: string | undefined;
}

function covered(): { copies: CopyCache; told: Told[] } {
  const told: Told[] = [];
  const copies = new CopyCache((name, except) => told.push({ name, except }));
  copies.cover();
  return { copies, told };
}

/** A whole write of `writer`, at `resourceVersion`, whose echo has not come yet. */
function write(copies: CopyCache, resourceVersion: string, writer = 'a/writer'): void {
  const observation = copies.track('shared', writer);
  observation.confirm(resourceVersion, 'as wished');
  observation.end();
}

describe('known copies', () => {
  it('are those that were seen under a watch', () => {
    const { copies } = covered();
    write(copies, '5');

    expect(copies.isCurrent('shared', 'as wished')).to.equal(true);
    expect(copies.isCurrent('shared', 'otherwise')).to.equal(false);
    expect(copies.isCurrent('else', 'as wished')).to.equal(false);
  });

  it('are none without a watch, nor those that were looked at before it opened', () => {
    const { copies } = covered();
    copies.uncover();
    write(copies, '5');
    const early = copies.track('shared', 'a/writer');
    copies.cover();
    early.confirm('5', 'as wished');
    early.end();

    expect(copies.isCurrent('shared', 'as wished')).to.equal(false);
  });

  it('are none any more once the watch is lost, even when it comes back', () => {
    const { copies } = covered();
    write(copies, '5');
    copies.uncover();
    copies.cover();

    expect(copies.isCurrent('shared', 'as wished')).to.equal(false);
  });

  it('are not those that were looked at while the watch was away for a moment', () => {
    const { copies } = covered();
    const observation = copies.track('shared', 'a/writer');
    copies.uncover();
    // Here anybody could have changed it, unseen.
    copies.cover();
    observation.confirm('5', 'as wished');
    observation.end();

    expect(copies.isCurrent('shared', 'as wished')).to.equal(false);
  });

  describe('and the echo of our own write', () => {
    it('that comes after the answer changes nothing and wakes others only', () => {
      const { copies, told } = covered();
      write(copies, '5');
      copies.changed('shared', '5');

      expect(copies.isCurrent('shared', 'as wished')).to.equal(true);
      expect(told).to.deep.equal([{ name: 'shared', except: 'a/writer' }]);
    });

    it('that comes before the answer changes nothing and wakes others only', () => {
      const { copies, told } = covered();
      const observation = copies.track('shared', 'a/writer');
      copies.changed('shared', '5');
      observation.confirm('5', 'as wished');
      observation.end();

      expect(copies.isCurrent('shared', 'as wished')).to.equal(true);
      expect(told).to.deep.equal([{ name: 'shared', except: 'a/writer' }]);
    });
  });

  describe('and a change by somebody else', () => {
    it('are not known any more, and everybody is told', () => {
      const { copies, told } = covered();
      write(copies, '5');
      copies.changed('shared', '6');

      expect(copies.isCurrent('shared', 'as wished')).to.equal(false);
      expect(told).to.deep.equal([{ name: 'shared', except: undefined }]);
    });

    it('during our write are not known, and we are told at its end', () => {
      const { copies, told } = covered();
      const observation = copies.track('shared', 'a/writer');
      copies.changed('shared', '5');
      copies.changed('shared', '6');
      observation.confirm('5', 'as wished');
      observation.end();

      expect(copies.isCurrent('shared', 'as wished')).to.equal(false);
      expect(told.at(-1)).to.deep.equal({ name: 'shared', except: undefined });
    });

    it('during a write that failed are told at its end', () => {
      const { copies, told } = covered();
      const observation = copies.track('shared', 'a/writer');
      copies.changed('shared', '6');
      told.length = 0;
      observation.end();

      expect(told).to.deep.equal([{ name: 'shared', except: undefined }]);
    });

    it('of another object are known as before', () => {
      const { copies } = covered();
      write(copies, '5');
      copies.changed('else', '6');

      expect(copies.isCurrent('shared', 'as wished')).to.equal(true);
    });
  });

  it('are looked at again when they are doubted', () => {
    const { copies } = covered();
    write(copies, '5');
    copies.invalidate('shared');

    expect(copies.isCurrent('shared', 'as wished')).to.equal(false);
  });

  /*
   * The model: an object with a history of states, a watch that delivers its changes late but in order and misses those
   * of a gap, and readers whose looks and answers may lie far apart. What is known must be so, or a change is on its way.
   */
  it('never are believed in step while they are not and no event about it is to come', () => {
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('look', 'write', 'answer') },
      { weight: 2, arbitrary: fc.constantFrom('foreign change', 'deliver') },
      { weight: 1, arbitrary: fc.constantFrom('lose watch', 'open watch') },
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40, size: 'max' }), (commands) => {
        const copies = new CopyCache(() => undefined);
        const object = { version: 1, inStep: false };
        let watched = false;
        let undelivered: number[] = [];
        const underWay: { observation: Observation; version: number; inStep: boolean }[] = [];
        const change = (to: boolean): void => {
          object.version += 1;
          object.inStep = to;
          if (watched) undelivered.push(object.version);
        };
        for (const command of commands) {
          if (command === 'look' || command === 'write') {
            const observation = copies.track('shared', 'a/reader');
            if (command === 'write') change(true);
            underWay.push({ observation, ...object });
          } else if (command === 'answer') {
            const answered = underWay.shift();
            if (answered?.inStep) answered.observation.confirm(String(answered.version), 'as wished');
            answered?.observation.end();
          } else if (command === 'foreign change') {
            change(false);
          } else if (command === 'deliver') {
            const delivered = undelivered.shift();
            if (delivered !== undefined) copies.changed('shared', String(delivered));
          } else if (command === 'lose watch') {
            watched = false;
            undelivered = [];
            copies.uncover();
          } else if (!watched) {
            watched = true;
            copies.cover();
          }
          const believed = copies.isCurrent('shared', 'as wished');
          expect(believed && !object.inStep && undelivered.length === 0, commands.join(', ')).to.equal(false);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
