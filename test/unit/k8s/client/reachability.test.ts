import { expect } from 'chai';

import { Reachability } from '../../../../src/k8s/client/reachability.js';

describe('Reachability', () => {
  let now: number;
  let recoveries: number;
  let reachability: Reachability;

  beforeEach(() => {
    now = 0;
    recoveries = 0;
    reachability = new Reachability(() => now);
    reachability.onRecovery(() => (recoveries += 1));
  });

  function outage(codes: readonly number[], milliseconds: number): void {
    for (const code of codes) reachability.observe(code);
    now += milliseconds;
  }

  for (const code of [200, 401, 403, 409, 410, 429, 500]) {
    it(`reports the end of an outage at the first answer, also a ${code}`, () => {
      outage([0, 0], 10_000);

      reachability.observe(code);
      reachability.observe(code);

      expect(recoveries).to.equal(1);
    });
  }

  it('takes the answers of a gateway that does not reach the API server for none', () => {
    outage([502, 503, 504], 10_000);

    reachability.observe(503);
    expect(recoveries).to.equal(0);

    reachability.observe(200);
    expect(recoveries).to.equal(1);
  });

  it('reports nothing for one lost request among others, however often that happens', () => {
    for (let times = 0; times < 100; times += 1) {
      outage([0], 500);
      reachability.observe(200);
    }

    expect(recoveries).to.equal(0);
  });

  it('calls a listener no more that has left', () => {
    let calls = 0;
    const leave = reachability.onRecovery(() => (calls += 1));
    leave();
    outage([0], 10_000);

    reachability.observe(200);

    expect(calls).to.equal(0);
  });
});
