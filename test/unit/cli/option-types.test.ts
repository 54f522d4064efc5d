import { expect } from 'chai';
import { parseDuration } from '../../../src/cli/option-types.js';

describe('duration', () => {
  const readings: [string, number][] = [
    ['0', 0],
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['2.s', 2000],
    ['1h0m0s', 3_600_000],
    ['500us', 0.5],
    ['500µs', 0.5],
  ];
  for (const [text, milliseconds] of readings) {
    it(`reads ${text} as ${milliseconds} ms`, () => {
      expect(parseDuration(text)).to.equal(milliseconds);
    });
  }

  for (const text of [
    '',
    ' ',
    '5',
    '30 s',
    '-5s',
    '+5s',
    's',
    '1d',
    '1m30',
    '1m,30s',
    '1..5s',
    '1e3s',
    '٣s',
  ]) {
    it(`refuses '${text}' and says what to write`, () => {
      expect(() => parseDuration(text)).to.throw('such as 30s or 1m30s');
    });
  }
});
