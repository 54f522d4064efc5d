import { expect } from 'chai';
import { changesBetween } from '../../../../src/cli/plan/plan-changes.js';
import { contentJson, contentOf, type ConfigMap, type CopyBody } from '../../../../src/sync/config-map.js';

function bodyOf(configMap: ConfigMap): CopyBody {
  return { metadata: configMap.metadata, content: contentJson(contentOf(configMap)) };
}

describe('the changes of a plan', () => {
  it('name keys and sizes, never values', () => {
    const before = {
      metadata: { name: 'c', labels: { team: 'a' } },
      data: { changed: 'old', removed: 'x', same: 'same' },
    };
    const after = {
      metadata: { name: 'c', labels: { team: 'b' } },
      data: { changed: 'newer', same: 'same', added: 'ü' },
      binaryData: { logo: Buffer.from([1, 2, 3]).toString('base64') },
      immutable: true,
    };

    const changes = changesBetween(before, bodyOf(after));

    expect(changes).to.deep.equal([
      { part: 'data', key: 'added', change: 'added', bytesBefore: null, bytesAfter: 2 },
      { part: 'data', key: 'changed', change: 'changed', bytesBefore: 3, bytesAfter: 5 },
      { part: 'data', key: 'removed', change: 'removed', bytesBefore: 1, bytesAfter: null },
      { part: 'binaryData', key: 'logo', change: 'added', bytesBefore: null, bytesAfter: 3 },
      { part: 'labels', key: 'team', change: 'changed', bytesBefore: 1, bytesAfter: 1 },
      { part: 'immutable', key: 'immutable', change: 'added', bytesBefore: null, bytesAfter: 4 },
    ]);
  });

  it('leave out the marks that every copy bears', () => {
    const after = {
      metadata: {
        name: 'c',
        labels: { 'app.kubernetes.io/managed-by': 'config-weaver', 'configmapsync.io/owner-uid': 'u' },
        annotations: { 'configmapsync.io/source': 'a/b' },
      },
    };

    expect(changesBetween(undefined, bodyOf(after))).to.deep.equal([]);
  });
});
