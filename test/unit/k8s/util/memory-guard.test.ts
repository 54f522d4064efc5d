import { expect } from 'chai';
import { MemoryGuard } from '../../../../src/k8s/util/memory-guard.js';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.js';
import { recordingLog } from '../../../support/fakes/recording-log.js';

const LIMIT = 256 * 2 ** 20;

describe('MemoryGuard', () => {
  let clock: FakeClock;
  let log: ReturnType<typeof recordingLog>;
  let exhausted: number;
  let guard: MemoryGuard;

  beforeEach(() => {
    clock = new FakeClock();
    log = recordingLog();
    exhausted = 0;
    guard = new MemoryGuard({ log, clock, onExhausted: () => (exhausted += 1) });
  });

  const look = (part: number): void => guard.look({ used: part * LIMIT, limit: LIMIT });

  it('has room below 80 %', () => {
    look(0.79);

    expect(guard.room).to.equal(undefined);
    expect(log.lines).to.deep.equal([]);
  });

  it('has none from 80 % on, says so once, and has room again when there is memory', async () => {
    look(0.8);
    look(0.9);
    let begun = false;
    void guard.room?.then(() => (begun = true));
    await settle();
    expect(begun).to.equal(false);
    expect(log.lines).to.have.length(1);

    look(0.5);
    await settle();

    expect(begun).to.equal(true);
    expect(guard.room).to.equal(undefined);
    await clock.advance(120_000);
    expect(exhausted).to.equal(0);
  });

  it('ends the process at 95 %, once', () => {
    look(0.95);
    look(0.99);

    expect(exhausted).to.equal(1);
    expect(log.lines).to.have.length(1);
    expect(log.lines[0]).to.match(/^error: out of memory, ending/);
  });

  it('ends the process where a pause of a minute has not helped', async () => {
    look(0.85);
    await clock.advance(59_000);
    expect(exhausted).to.equal(0);

    await clock.advance(2000);

    expect(exhausted).to.equal(1);
  });
});
