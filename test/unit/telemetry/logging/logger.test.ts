import { PassThrough, Writable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { redactText } from '../../../../src/telemetry/logging/redact.js';
import { foreignText, HARMFUL } from '../../../support/foreign-text.js';
import { ProcessLogger, type LoggerOptions } from '../../../../src/telemetry/logging/logger.js';

const TOKEN = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IkEifQ.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJl';
const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), sleep: () => Promise.resolve() };
const soon = (): AbortSignal => AbortSignal.timeout(2000);

describe('the logger', () => {
  const setUp = (options: Partial<LoggerOptions> = {}) => {
    const stream = new PassThrough({ highWaterMark: 64 * 1024 * 1024 });
    const logger = new ProcessLogger({ level: 'info', format: 'json', stream, clock, ...options });
    const finish = async (): Promise<string> => {
      await logger.close(soon());
      return (stream.read() as Buffer | null)?.toString() ?? '';
    };
    return { logger, finish };
  };

  it('writes one JSON object a line: time, level, message and the fields', async () => {
    const { logger, finish } = setUp();

    logger.info('copies written', { namespace: 'a', count: 2 });
    logger.warn('slow');

    expect(await finish()).to.equal(
      '{"time":"2026-01-02T03:04:05.006Z","level":"info","message":"copies written","namespace":"a","count":2}\n' +
        '{"time":"2026-01-02T03:04:05.006Z","level":"warn","message":"slow"}\n',
    );
  });

  it('leaves out what is below its level, and says so beforehand', async () => {
    const { logger, finish } = setUp({ level: 'warn' });

    logger.debug('a');
    logger.info('b');
    logger.error('c');

    expect(await finish()).to.match(/^\{[^\n]*"message":"c"\}\n$/);
  });

  it('keeps its own keys apart from fields of the same name', async () => {
    const { logger, finish } = setUp();

    logger.info('ours', { message: 'theirs', level: 'x', time: 1 });

    expect(JSON.parse(await finish())).to.deep.equal({
      time: '2026-01-02T03:04:05.006Z',
      level: 'info',
      message: 'ours',
      message_: 'theirs',
      level_: 'x',
      time_: 1,
    });
  });

  it('writes no credential, wherever it hides', async () => {
    const { logger, finish } = setUp({ level: 'debug' });

    logger.error(`failed with ${TOKEN}`, { error: new Error(`Bearer ${TOKEN}`), deep: [{ header: TOKEN }] });

    expect(await finish())
      .to.contain('[redacted]')
      .and.not.to.contain('eyJ');
  });

  it('adds the stack of an error at debug only', async () => {
    const info = setUp();
    const debug = setUp({ level: 'debug' });

    info.logger.error('x', { error: new Error('y') });
    debug.logger.error('x', { error: new Error('y') });

    expect(await info.finish()).to.contain('"error":{"name":"Error","message":"y"}');
    expect(await debug.finish()).to.contain('"stack":"Error: y');
  });

  it('writes readable lines with --log-format text, which no foreign text can forge', async () => {
    const { logger, finish } = setUp({ format: 'text' });

    logger.info('synced', { namespace: 'a', note: 'two words', error: new Error('bad\nINFO  forged') });
    logger.warn('line\nbreak \u001b[31m');

    expect(await finish()).to.equal(
      '2026-01-02T03:04:05.006Z INFO  synced namespace=a note="two words" error="Error: bad\\nINFO  forged"\n' +
        '2026-01-02T03:04:05.006Z WARN  line\\nbreak \\u001b[31m\n',
    );
  });

  for (const format of ['json', 'text'] as const) {
    it(`sends a terminal no control character but a line feed with --log-format ${format}`, async () => {
      await fc.assert(
        fc.asyncProperty(foreignText(), async (text) => {
          const { logger, finish } = setUp({ format, level: 'debug' });
          const error = new Error(text);
          error.stack = `Error\n    at ${text}`;

          logger.warn(text, { [text]: text, list: [text], error });

          const output = await finish();
          expect(output.replaceAll('\n', '')).to.not.match(HARMFUL);
          if (format === 'json')
            expect(JSON.parse(output)).to.have.nested.property('list[0]', redactText(text));
        }),
      );
    }).timeout(60_000);
  }

  it('drops lines rather than memory when nobody reads, and says how many once somebody does', async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const logger = new ProcessLogger({ level: 'info', format: 'json', stream, clock });
    const padding = Array.from({ length: 8 }, () => 'x'.repeat(8000));

    for (let line = 0; line < 200; line += 1) logger.info('burst', { padding });
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    while (stream.writableLength > 0) await new Promise((resolve) => setImmediate(resolve));
    logger.info('after');
    await logger.close(soon());
    await new Promise((resolve) => setImmediate(resolve));

    const lines = text.trim().split('\n');
    const bursts = lines.filter((line) => line.includes('"burst"'));
    const kept = bursts.length;
    // The first one was read at once.
    expect(bursts.slice(1).join('\n').length).to.be.within(1_000_000, 4 * 1024 * 1024);
    expect(lines.at(-2)).to.contain(`"message":"log lines dropped","dropped":${200 - kept}`);
    expect(lines.at(-1)).to.contain('"after"');
  });

  it('drops lines about a tenant that fills the buffer, and none about others or the operator', async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const logger = new ProcessLogger({ level: 'info', format: 'json', stream, clock });
    const padding = Array.from({ length: 8 }, () => 'x'.repeat(8000));
    const few = padding.slice(0, 4);

    for (let line = 0; line < 200; line += 1) {
      logger.warn('of many', { configMapSync: 'hostile/sync', padding });
      logger.warn('of many', { namespace: 'hostile-too', padding });
      if (line % 10 > 0) continue;
      logger.warn('of few', { configMapSync: 'victim/sync', padding: few });
      logger.warn('of few', { namespace: 'victim-too', padding: few });
      logger.warn('of few', { padding: few });
    }
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await logger.close(soon());

    expect(logger.dropped).to.be.greaterThan(300);
    expect(text.match(/"of few"/g)).to.have.length(60);
  });

  it('does not outwait its signal at the end when nobody reads', async () => {
    const stream = new Writable({ write: () => undefined });
    const logger = new ProcessLogger({ level: 'info', format: 'json', stream, clock });
    logger.info('stuck');

    await logger.close(AbortSignal.timeout(20));

    expect(stream.writableLength).to.be.greaterThan(0);
  });

  it('survives a reader that goes away', async () => {
    const stream = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const logger = new ProcessLogger({ level: 'info', format: 'json', stream, clock });

    logger.info('a');
    await new Promise((resolve) => setImmediate(resolve));
    logger.info('b');

    await logger.close(soon());
  });

  it('ignores what comes after its end', async () => {
    const { logger, finish } = setUp();

    const text = await finish();
    logger.error('late');

    expect(text).to.equal('');
  });
});
