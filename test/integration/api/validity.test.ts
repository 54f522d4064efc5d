import { expect } from 'chai';
import {
  InvalidConfigMapSyncError,
  parseConfigMapSync,
} from '../../../src/api/v1alpha1/parse-config-map-sync.js';
import { ApiError } from '../../../src/k8s/client/errors.js';
import { plane } from '../../support/plane.js';
import { TestApi } from '../../support/test-api.js';
import { STATUS_CASES } from '../../unit/api/v1alpha1/status-cases.js';
import { VALIDITY_CASES } from '../../unit/api/v1alpha1/validity-cases.js';

const NAMESPACE = 'api-validity';
const PATH = `/apis/weaver.example.com/v1alpha1/namespaces/${NAMESPACE}/configmapsyncs`;

interface Answer {
  spec: unknown;
}

/** The answer, or the API server's refusal. */
async function answerOf<T>(request: Promise<{ body: T }>): Promise<T | ApiError> {
  try {
    return (await request).body;
  } catch (error) {
    if (error instanceof ApiError) {
      return error;
    }
    throw error;
  }
}

function parsed(raw: unknown): unknown {
  try {
    return parseConfigMapSync(raw);
  } catch (error) {
    if (error instanceof InvalidConfigMapSyncError) {
      return error;
    }
    throw error;
  }
}

function objectOf(name: string, spec: unknown): object {
  return {
    apiVersion: 'weaver.example.com/v1alpha1',
    kind: 'ConfigMapSync',
    metadata: { name, namespace: NAMESPACE },
    spec,
  };
}

describe('the parser and the API server', function () {
  this.timeout(60_000);
  let api: TestApi;

  before(async () => {
    api = await TestApi.connect();
    await (await plane()).kubectl(['create', 'namespace', NAMESPACE]);
    await api.client.request({
      method: 'POST',
      path: PATH,
      body: objectOf('with-status', { source: { name: 'a' }, syncToNamespaces: ['foo'] }),
    });
  });

  after(async () => {
    await api.close();
    await (await plane()).kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
  });

  for (const { title, spec, refusedAt } of VALIDITY_CASES) {
    it(`${refusedAt === undefined ? 'both accept' : 'both refuse'} ${title}`, async () => {
      const raw = objectOf('case', spec);

      const ours = parsed(raw);
      const theirs = await answerOf(
        api.client.request<Answer>({
          method: 'POST',
          path: PATH,
          query: { dryRun: 'All', fieldValidation: 'Strict' },
          body: raw,
        }),
      );

      if (refusedAt === undefined) {
        // The defaults that the API server filled in are ours too.
        expect(JSON.parse(JSON.stringify(ours)))
          .to.have.property('spec')
          .deep.equal((theirs as Answer).spec);
      } else {
        expect(ours)
          .to.be.instanceOf(InvalidConfigMapSyncError)
          .with.property('message')
          .that.contains(refusedAt);
        expect(theirs).to.be.instanceOf(ApiError).with.property('message').that.contains(refusedAt);
      }
    });
  }

  for (const { title, status, refusedAt } of STATUS_CASES) {
    it(`${refusedAt === undefined ? 'both accept' : 'both refuse'} a status with ${title}`, async () => {
      const raw = {
        ...objectOf('with-status', { source: { name: 'a' }, syncToNamespaces: ['foo'] }),
        status,
      };

      const ours = parsed(raw);
      const theirs = await answerOf(
        api.client.request<unknown>({
          method: 'PATCH',
          path: `${PATH}/with-status/status`,
          query: { dryRun: 'All', fieldValidation: 'Strict' },
          body: { status },
        }),
      );

      if (refusedAt === undefined) {
        expect(JSON.parse(JSON.stringify(ours)))
          .to.have.property('status')
          .deep.equal(status);
        expect(theirs).to.have.property('status').deep.equal(status);
      } else {
        expect(ours)
          .to.be.instanceOf(InvalidConfigMapSyncError)
          .with.property('message')
          .that.contains(refusedAt);
        expect(theirs).to.be.instanceOf(ApiError).with.property('message').that.contains(refusedAt);
      }
    });
  }
});
