import { expect } from 'chai';
import fc from 'fast-check';

import { readLines } from '../../../../src/k8s/client/response-body.js';

async function linesOf(chunks: Iterable<Uint8Array>, maxBytes = 1000): Promise<string[]> {
  // eslint-disable-next-line @typescript-eslint/require-await -- a stream of chunks that are there already
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of readLines(stream(), maxBytes)) lines.push(line);
  return lines;
}

describe('readLines', () => {
  it('gives the same lines however the stream is cut into chunks, also within a character', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).filter((line) => !line.includes('\n'))),
        fc.array(fc.nat(20)),
        async (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const chunks: Uint8Array[] = [];
          let start = 0;
          for (const cut of cuts) {
            chunks.push(bytes.subarray(start, start + cut));
            start += cut;
          }
          chunks.push(bytes.subarray(start));

          expect(await linesOf(chunks)).to.deep.equal(lines);
        },
      ),
    );
  });

  it('counts a last line that has no end, and leaves out empty ones', async () => {
    expect(await linesOf([Buffer.from('a\n\nb')])).to.deep.equal(['a', 'b']);
  });

  it('refuses a line beyond its bound before it is whole', async () => {
    const error: unknown = await linesOf([Buffer.alloc(6, 'x'), Buffer.alloc(6, 'x')], 10).catch(
      (reason: unknown) => reason,
    );

    expect(error).to.be.instanceOf(RangeError);
  });
});
