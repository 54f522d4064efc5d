import { expect } from 'chai';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  acceptsGzip,
  negotiateFormat,
  renderExposition,
} from '../../../../src/telemetry/metrics/exposition.js';

describe('the exposition of metrics', () => {
  const registered = (): Registry => {
    const registry = new Registry();
    const registers = [registry];
    new Counter({ name: 'calls_total', help: 'Calls\nof "a\\b".', labelNames: ['verb'], registers }).inc(
      { verb: 'say "hi"\\\n' },
      2,
    );
    new Gauge({ name: 'free', help: 'Free.', registers }).set(Infinity);
    new Histogram({ name: 'wait_seconds', help: 'Wait.', buckets: [0.5, 1], registers }).observe(0.7);
    return registry;
  };

  it("writes Prometheus' text format", async () => {
    expect(await renderExposition(registered(), 'prometheus')).to.equal(
      [
        '# HELP calls_total Calls\\nof "a\\\\b".',
        '# TYPE calls_total counter',
        'calls_total{verb="say \\"hi\\"\\\\\\n"} 2',
        '# HELP free Free.',
        '# TYPE free gauge',
        'free +Inf',
        '# HELP wait_seconds Wait.',
        '# TYPE wait_seconds histogram',
        'wait_seconds_bucket{le="0.5"} 0',
        'wait_seconds_bucket{le="1"} 1',
        'wait_seconds_bucket{le="+Inf"} 1',
        'wait_seconds_sum 0.7',
        'wait_seconds_count 1',
        '',
      ].join('\n'),
    );
  });

  it('writes OpenMetrics, where a counter family lacks the suffix and bounds are floats', async () => {
    expect(await renderExposition(registered(), 'openmetrics')).to.equal(
      [
        '# HELP calls Calls\\nof \\"a\\\\b\\".',
        '# TYPE calls counter',
        'calls_total{verb="say \\"hi\\"\\\\\\n"} 2',
        '# HELP free Free.',
        '# TYPE free gauge',
        'free +Inf',
        '# HELP wait_seconds Wait.',
        '# TYPE wait_seconds histogram',
        'wait_seconds_bucket{le="0.5"} 0',
        'wait_seconds_bucket{le="1.0"} 1',
        'wait_seconds_bucket{le="+Inf"} 1',
        'wait_seconds_sum 0.7',
        'wait_seconds_count 1',
        '# EOF',
        '',
      ].join('\n'),
    );
  });

  describe('by the Accept header', () => {
    const prometheus3 =
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,' +
      'application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,' +
      'text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
    const cases: [string | undefined, 'prometheus' | 'openmetrics'][] = [
      [undefined, 'prometheus'],
      ['', 'prometheus'],
      ['*/*', 'prometheus'],
      ['text/html,application/xhtml+xml,*/*;q=0.8', 'prometheus'],
      ['text/plain', 'prometheus'],
      ['application/openmetrics-text', 'openmetrics'],
      ['Application/OpenMetrics-Text; Version="1.0.0"', 'openmetrics'],
      ['application/openmetrics-text;version=0.0.1', 'prometheus'],
      ['application/openmetrics-text;q=0', 'prometheus'],
      ['application/openmetrics-text;q=nonsense', 'prometheus'],
      ['application/openmetrics-text;q=0.2,text/plain;q=0.5', 'prometheus'],
      [prometheus3, 'openmetrics'],
    ];
    for (const [accept, format] of cases) {
      it(`is ${format} for ${accept ?? 'none'}`, () => {
        expect(negotiateFormat(accept)).to.equal(format);
      });
    }
  });

  for (const [header, expected] of [
    [undefined, false],
    ['gzip', true],
    ['deflate, gzip;q=0.5', true],
    ['gzip;q=0', false],
    ['identity', false],
  ] as const) {
    it(`${expected ? 'zips' : 'does not zip'} for Accept-Encoding ${header ?? 'none'}`, () => {
      expect(acceptsGzip(header)).to.equal(expected);
    });
  }
});
