import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { repositoryRoot } from '../../../hack/repository.js';
import { eventually } from '../../support/eventually.js';
import { apply } from '../../support/kubectl.js';
import { plane, type TestPlane } from '../../support/plane.js';
import { createNamespace } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';

const CONFIG = join(repositoryRoot(), 'config');

describe('the PriorityClass', () => {
  let shared: TestPlane;
  let api: TestApi;
  let namespace: string;

  before(async () => {
    shared = await plane();
    api = await TestApi.connect();
    namespace = await createNamespace(api, 'priority');
  });

  after(() => api.close());

  /** Tries to create a pod, without doing it; returns what the API server said. */
  function pod(priorityClassName?: string): Promise<string> {
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'pod', namespace },
      spec: { priorityClassName, containers: [{ name: 'main', image: 'example.com/main' }] },
    };
    return shared
      .kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(manifest))
      .catch((error: unknown) => String(error));
  }

  it('is kept from the pods of a namespace by the quota of the samples, and others are not', async () => {
    await shared.kubectl(['apply', '-f', join(CONFIG, 'manager/priority_class.yaml')]);
    expect(await pod('config-weaver')).to.contain('created');
    const samples = parseAllDocuments(await readFile(join(CONFIG, 'samples/resource_quota.yaml'), 'utf8'));
    for (const sample of samples) {
      const quota = sample.toJS() as { apiVersion: string; kind: string; metadata: { name: string } };
      await apply(shared.kubectl, { ...quota, metadata: { ...quota.metadata, namespace } });
    }

    await eventually(async () => {
      expect(await pod('config-weaver')).to.contain('exceeded quota: config-weaver-priority');
    });
    expect(await pod()).to.contain('created');
  });
});
