import { setTimeout as sleep } from 'node:timers/promises';
import { FaultyOperator } from './faulty-operator.js';

/** How long a fault is on. */
const FAULT_MS = 3_000;
const PERIOD_MS = 300;

describe('an operator whose network fails', function () {
  this.timeout(150_000);
  let faulty: FaultyOperator;

  before(async () => {
    faulty = await FaultyOperator.start();
  });
  afterEach(() => faulty.network.http.release());
  after(() => faulty.end());

  /** Does so again and again while the fault is on. @returns the sum of what it says */
  async function repeat(inject: () => number): Promise<number> {
    let times = 0;
    for (const end = Date.now() + FAULT_MS; Date.now() < end;) {
      times += inject();
      await sleep(PERIOD_MS);
    }
    return times;
  }

  it('heals when its connections are reset, again and again', async () => {
    await faulty.probe.endures('connections are reset', () => repeat(() => faulty.network.tcp.reset()));
  });

  it('heals when its connections are drained with GOAWAY, again and again', async () => {
    await faulty.probe.endures('connections are drained with GOAWAY', () =>
      repeat(() => faulty.network.http.goAway()),
    );
  });
});
