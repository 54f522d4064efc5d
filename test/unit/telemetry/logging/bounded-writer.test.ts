import { Writable } from 'node:stream';
import { expect } from 'chai';
import { BoundedWriter } from '../../../../src/telemetry/logging/bounded-writer.js';

const MAX = 100_000;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A reader that takes a line when it is told to. */
class SlowReader extends Writable {
  readonly lines: string[] = [];
  #taken: (() => void) | undefined;

  constructor() {
    super({ decodeStrings: false, highWaterMark: 1 });
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.#taken = () => {
      if (chunk !== '') this.lines.push(chunk.trimEnd());
      done();
    };
  }

  async take(lines = Infinity): Promise<void> {
    for (let line = 0; line < lines && this.writableLength > 0; line += 1) {
      this.#taken?.();
      await nextTurn();
    }
  }
}

describe('BoundedWriter', () => {
  let reader: SlowReader;
  let writer: BoundedWriter;

  beforeEach(() => {
    reader = new SlowReader();
    writer = new BoundedWriter(reader, {
      maxBufferedBytes: MAX,
      notice: (dropped) => `${dropped} dropped`,
    });
  });

  function write(tenant: string, lines: number): void {
    for (let line = 0; line < lines; line += 1) {
      writer.write({ tenant, text: `${tenant} ${line} `.padEnd(99, 'x') + '\n' });
    }
  }

  function linesOf(tenant: string): number[] {
    return reader.lines
      .filter((line) => line.startsWith(`${tenant} `))
      .map((line) => Number(line.split(' ')[1]));
  }

  it('drops the lines of tenants that fill the buffer, and none of those who write few', async () => {
    for (let round = 0; round < 10; round += 1) {
      for (const hostile of ['h1', 'h2', 'h3']) write(hostile, 1000);
      write('victim', 1);
      write('', 1);
    }
    await reader.take();

    expect(linesOf('victim')).to.have.length(10);
    expect(linesOf('')).to.have.length(10);
    expect(writer.dropped).to.equal(30_000 - ['h1', 'h2', 'h3'].flatMap(linesOf).length);
  });

  it('lets a tenant that is alone have the whole buffer, and takes it back for others up to their share', async () => {
    write('a', 2000);
    expect(writer.dropped).to.be.within(1000, 1010);

    write('b', 2000);
    write('c', 2000);
    await reader.take();

    for (const tenant of ['a', 'b', 'c']) {
      expect(linesOf(tenant), tenant).to.have.length.within(325, 340);
    }
    expect(writer.dropped).to.equal(6000 - reader.lines.length);
  });

  it('keeps the order of time', async () => {
    const written: string[] = [];
    for (let round = 0; round < 2000; round += 1) {
      const tenant = round % 7 === 0 ? 'few' : 'many';
      written.push(`${tenant} ${round}`);
      writer.write({ tenant, text: `${tenant} ${round} ${'x'.repeat(100)}\n` });
    }
    await reader.take();

    const read = reader.lines.map((line) => line.split(' ').slice(0, 2).join(' '));
    expect(read).to.have.length.below(written.length);
    const kept = new Set(read);
    expect(read).to.deep.equal(written.filter((line) => kept.has(line)));
  });

  it('gives a tenant its room back as its lines are read', async () => {
    write('a', 2000);
    const dropped = writer.dropped;
    await reader.take(100);

    write('a', 50);

    expect(writer.dropped).to.equal(dropped);
  });

  it('never keeps more than its bound', async () => {
    for (let tenant = 0; tenant < 200; tenant += 1) write(`t${tenant}`, 100);
    await reader.take();

    expect(reader.lines.join('\n')).to.have.length.within(0.99 * MAX, MAX);
  });

  it('reports what was dropped once, when half of the buffer is free again', async () => {
    write('a', 2000);
    write('b', 1);
    const { dropped } = writer;
    await reader.take();
    expect(reader.lines.at(-1)).to.match(/^b 0 /);

    write('b', 2);
    await reader.take();

    const end = reader.lines.slice(-3).map((line) => line.replace(/ x.*/, ''));
    expect(end).to.deep.equal([`${dropped} dropped`, 'b 0', 'b 1']);
    expect(reader.lines.filter((line) => line.endsWith('dropped'))).to.have.length(1);
  });

  it('reports what was dropped at the end where it never had the room before', async () => {
    write('a', 2000);

    await writer.flush(AbortSignal.abort());
    void writer.flush(AbortSignal.timeout(10_000));
    await reader.take();

    expect(reader.lines.at(-1)).to.equal(`${writer.dropped} dropped`);
  });

  it('drops nothing where a reader takes each line at once, however many come in one turn', () => {
    const quick = new Writable({ write: (_chunk, _encoding, done) => done() });
    const toQuick = new BoundedWriter(quick, { maxBufferedBytes: MAX, notice: () => '' });

    for (let line = 0; line < 5000; line += 1) toQuick.write({ tenant: 'a', text: `${'x'.repeat(100)}\n` });

    expect(toQuick.dropped).to.equal(0);
  });

  it('counts the lines after the reader went away as dropped', async () => {
    const gone = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const toGone = new BoundedWriter(gone, { maxBufferedBytes: MAX, notice: () => '' });
    toGone.write({ tenant: 'a', text: 'x\n' });
    await nextTurn();

    toGone.write({ tenant: 'a', text: 'x\n' });

    expect(toGone.dropped).to.equal(1);
  });
});
