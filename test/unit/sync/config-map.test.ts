import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  configMapJson,
  contentHash,
  contentJson,
  contentOf,
  parseContent,
  parseStored,
  selectContent,
  type Content,
  type ConfigMap,
} from '../../../src/sync/config-map.js';

function source(parts: Partial<ConfigMap>): ConfigMap {
  return { metadata: { name: 'shared', namespace: 'team-a' }, ...parts };
}

/** As JSON.parse makes it: an own property of any name, `__proto__` included. */
function parsed(json: string): Record<string, string> {
  return JSON.parse(json) as Record<string, string>;
}

describe('the content of a source', () => {
  it('is all of data and binaryData, and whether it is immutable', () => {
    const { content, missingKeys } = selectContent(
      source({ data: { a: '1' }, binaryData: { b: 'AA==' }, immutable: true }),
      undefined,
    );

    expect(content).to.deep.equal({ data: { a: '1' }, binaryData: { b: 'AA==' }, immutable: true });
    expect(missingKeys).to.deep.equal([]);
  });

  it('is empty for an empty source', () => {
    const { content } = selectContent(source({}), undefined);

    expect(content).to.deep.equal({ data: {}, binaryData: {}, immutable: false });
  });

  it('is narrowed to keys, wherever they are, and names those that the source lacks, sorted', () => {
    const { content, missingKeys } = selectContent(
      source({ data: { a: '1', secret: 'x' }, binaryData: { b: 'AA==' } }),
      ['z', 'b', 'a', 'c'],
    );

    expect(content).to.deep.equal({ data: { a: '1' }, binaryData: { b: 'AA==' }, immutable: false });
    expect(missingKeys).to.deep.equal(['c', 'z']);
  });

  it('takes an empty value for a value', () => {
    const { content, missingKeys } = selectContent(source({ data: { a: '' } }), ['a']);

    expect(content.data).to.deep.equal({ a: '' });
    expect(missingKeys).to.deep.equal([]);
  });

  it("does not take what every JavaScript object has for a key of the source's", () => {
    const { content, missingKeys } = selectContent(source({ data: { a: '1' } }), [
      'constructor',
      '__proto__',
    ]);

    expect(Object.keys(content.data)).to.deep.equal([]);
    expect(missingKeys).to.deep.equal(['__proto__', 'constructor']);
  });

  it('copies a key called __proto__ like any other', () => {
    const { content } = selectContent(source({ data: parsed('{"__proto__": "1", "other": "2"}') }), [
      '__proto__',
    ]);

    expect(JSON.stringify(content.data)).to.equal('{"__proto__":"1"}');
    expect(Object.getPrototypeOf(content.data)).to.equal(Object.prototype);
  });
});

describe('the content hash', () => {
  const empty: Content = { data: {}, binaryData: {}, immutable: false };

  it('does not depend on the order of keys', () => {
    expect(contentHash({ ...empty, data: { a: '1', b: '2' } })).to.equal(
      contentHash({ ...empty, data: { b: '2', a: '1' } }),
    );
  });

  it('tells data from binaryData, and immutable from mutable', () => {
    const hashes = [
      contentHash(empty),
      contentHash({ ...empty, data: { a: 'AA==' } }),
      contentHash({ ...empty, binaryData: { a: 'AA==' } }),
      contentHash({ ...empty, immutable: true }),
    ];

    expect(new Set(hashes)).to.have.length(4);
  });

  it('notices a key called __proto__', () => {
    expect(contentHash({ ...empty, data: parsed('{"__proto__": "1"}') })).not.to.equal(contentHash(empty));
  });

  it('reads as the status and the annotation promise', () => {
    expect(contentHash(empty)).to.match(/^sha256:[0-9a-f]{64}$/);
  });

  it('is equal for equal contents and for no others', () => {
    const record = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', '__proto__', 'toString'),
      fc.constantFrom('', '1', '"'),
      // As JSON.parse makes them.
      { noNullPrototype: true },
    );
    const content = fc.record({ data: record, binaryData: record, immutable: fc.boolean() });
    fc.assert(
      fc.property(content, content, (one, other) => {
        expect(contentHash(one) === contentHash(other)).to.equal(isDeepStrictEqual(one, other));
      }),
    );
  });
});

describe('the JSON of a ConfigMap', () => {
  const values = fc.dictionary(fc.string(), fc.string());

  it('holds what its content was, whatever is in it', () => {
    fc.assert(
      fc.property(values, values, fc.boolean(), (data, binaryData, immutable) => {
        const content = { data, binaryData, immutable };
        const metadata = { name: 'shared', namespace: 'prod' };

        const json = configMapJson({ metadata, content: contentJson(content) });

        const written = JSON.parse(String(json)) as ConfigMap;
        expect(written.metadata).to.deep.equal(metadata);
        expect(contentHash(contentOf(written))).to.equal(contentHash(content));
        expect(contentHash(parseContent(contentJson(content)))).to.equal(contentHash(content));
      }),
    );
  });

  it('is written as the API server writes it: keys sorted, and escaped as Go does', () => {
    const content = { data: { b: '<&>\u2028\u2029', a: '\n"' }, binaryData: { c: 'AA==' }, immutable: true };

    expect(String(contentJson(content))).to.equal(
      ',"immutable":true,"data":{"a":"\\n\\"","b":"\\u003c\\u0026\\u003e\\u2028\\u2029"},"binaryData":{"c":"AA=="}}',
    );
  });
});

describe('the answer to a write', () => {
  const values = fc.dictionary(fc.constantFrom('a', 'b', 'data', 'immutable'), fc.string(), {
    noNullPrototype: true,
  });
  const contents = fc.record({ data: values, binaryData: values, immutable: fc.boolean() });
  const metadata = { name: 'shared', labels: { data: 'x' }, annotations: { note: ',"data":{}}' } };

  it('gives the content where it is another one than was sent, however it is written', () => {
    fc.assert(
      fc.property(contents, contents, fc.boolean(), fc.boolean(), (sent, kept, isCanonical, isSame) => {
        const content = isSame ? sent : kept;
        const json = isCanonical
          ? configMapJson({ metadata, content: contentJson(content) })
          : JSON.stringify({ ...content, metadata }, undefined, 1);

        const answer = parseStored(Buffer.from(`${String(json)}\n`), contentJson(sent));

        expect(answer.metadata).to.deep.equal(metadata);
        if (isDeepStrictEqual(sent, content)) expect(answer.content).to.equal(undefined);
        else expect(answer.content).to.deep.equal(content);
      }),
    );
  });

  it('is no answer where it is no JSON', () => {
    expect(() => parseStored(Buffer.from('<html>'), contentJson(contentOf(source({}))))).to.throw(
      SyntaxError,
    );
  });
});
