import { soak } from '../../../hack/soak/soak.js';

describe('make soak', function () {
  this.timeout(300_000);

  it('finds a world as the model says, and nothing left in the operator, after a short round', async () => {
    await soak({
      milliseconds: 3_000,
      roundMs: 3_000,
      seed: 1,
      worlds: 1,
      // What lingers for a minute would take longer than all the rest.
      untilClosed: false,
      print: (line) => console.log(`      ${line}`),
      signal: new AbortController().signal,
    });
  });
});
