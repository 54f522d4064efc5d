import { expect } from 'chai';

import { ApiError } from '../../../src/k8s/client/errors.js';
import type { KubernetesObject } from '../../../src/k8s/client/objects.js';
import { createNamespace } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { configMaps, createConfigMap } from './config-maps.js';

async function failure(work: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(ApiError);
  return error as ApiError;
}

describe('the REST client, against a real API server', () => {
  let admin: TestApi;
  let namespace: string;

  before(async () => {
    admin = await TestApi.connect();
    namespace = await createNamespace(admin, 'rest');
  });

  after(() => admin.close());

  it('gives the body, the code and the audit id of an answer', async () => {
    const answer = await admin.client.request<KubernetesObject>({
      method: 'POST',
      path: configMaps(namespace),
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'answered' } },
    });

    expect(answer.code).to.equal(201);
    expect(answer.body.metadata.name).to.equal('answered');
    expect(answer.auditID).to.match(/^[0-9a-f-]{36}$/);
  });

  it('patches by a merge patch where nothing else is said', async () => {
    await createConfigMap(admin.client, namespace, 'patched', { a: '1', b: '2' });

    const { body } = await admin.client.request<{ data: Record<string, string> }>({
      method: 'PATCH',
      path: configMaps(namespace, 'patched'),
      body: { data: { a: null, c: '3' } },
    });

    expect(body.data).to.deep.equal({ b: '2', c: '3' });
  });

  it("tells the server's reason and sentence of a refusal", async () => {
    const error = await failure(
      admin.client.request({ method: 'GET', path: configMaps(namespace, 'missing') }),
    );

    expect(error).to.include({ code: 404, reason: 'NotFound', message: 'configmaps "missing" not found' });
    expect(error.auditID).to.match(/^[0-9a-f-]{36}$/);
  });

  it('tells the causes of an object that is not valid', async () => {
    const error = await failure(
      admin.client.request({
        method: 'POST',
        path: configMaps(namespace),
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'Not A Name' } },
      }),
    );

    expect(error).to.include({ code: 422, reason: 'Invalid' });
    expect(error.causes.map((cause) => cause.field)).to.include('metadata.name');
  });

  it('cuts an answer that is no Status to one line', async () => {
    const error = await failure(
      admin.client.request({ method: 'GET', path: '/apis/no.such.group/v1/things' }),
    );

    expect(error.code).to.equal(404);
    expect(error.message).to.equal('GET /apis/no.such.group/v1/things: HTTP 404: 404 page not found');
  });

  it('says in one line that nobody answers', async () => {
    const nobody = await TestApi.connect(undefined, {
      connection: { server: 'https://127.0.0.1:1', authorize: () => Promise.resolve('Bearer very-secret') },
    });

    const error = await failure(nobody.client.request({ method: 'GET', path: '/version' }));
    await nobody.close();

    expect(error).to.include({ code: 0, message: 'cannot reach https://127.0.0.1:1: ECONNREFUSED' });
  });

  it('yields the events of a watch until the server ends it', async () => {
    const events: string[] = [];
    const signal = AbortSignal.timeout(20_000);

    for await (const event of admin.client.watch({
      path: configMaps(namespace),
      query: { fieldSelector: 'metadata.name=seen', timeoutSeconds: 2 },
      onOpen: () => void createConfigMap(admin.client, namespace, 'seen'),
      signal,
    })) {
      events.push(`${event.type} ${event.object.metadata.name}`);
    }

    expect(events).to.deep.equal(['ADDED seen']);
  });

  it('ends a watch at once when it is aborted', async () => {
    const controller = new AbortController();
    const watch = admin.client.watch({
      path: configMaps(namespace),
      query: { resourceVersion: undefined, fieldSelector: 'metadata.name=nothing' },
      onOpen: () => controller.abort(new Error('enough')),
      signal: controller.signal,
    });

    const error: unknown = await watch.next().catch((reason: unknown) => reason);

    expect(error).to.have.property('message', 'enough');
  });
});
