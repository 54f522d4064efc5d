import { selectContent, type ConfigMap } from '../../src/sync/config-map.js';
import { CopyTemplate } from '../../src/sync/copy-template.js';
import { CONCURRENCY, configMaps, contentOf, type BenchTenant } from './bench-tenant.js';
import { forEachOf } from './pool.js';

/** How long a loop takes that does nothing but write, in milliseconds. */
export interface PlainWrites {
  create: number;
  update: number;
}

/**
 * The floor under any controller's time: the same copies, created, updated and deleted as the same tenant, with as many
 * requests at a time, by a program that knows them in advance.
 */
export async function writePlainly(tenant: BenchTenant): Promise<PlainWrites> {
  const existing = new Map<string, ConfigMap>();
  const first = template(tenant, 'first');
  const create = await timed(() =>
    forEachOf(tenant.targets, CONCURRENCY, async (namespace) => {
      const { body } = await tenant.client.request<ConfigMap>({
        method: 'POST',
        path: configMaps(namespace),
        body: first.create(namespace),
      });
      existing.set(namespace, body);
    }),
  );
  const second = template(tenant, 'second');
  const update = await timed(() =>
    forEachOf([...existing], CONCURRENCY, async ([namespace, { metadata }]) => {
      await tenant.client.request({
        method: 'PUT',
        path: configMaps(namespace, metadata.name),
        body: second.apply(metadata),
      });
    }),
  );
  await forEachOf(tenant.targets, CONCURRENCY, async (namespace) => {
    await tenant.client.request({ method: 'DELETE', path: configMaps(namespace, first.name) });
  });
  return { create, update };
}

function template({ namespace, serviceAccount }: BenchTenant, version: string): CopyTemplate {
  const name = 'plain';
  const { content } = selectContent({ metadata: { name }, data: contentOf(version) }, undefined);
  return new CopyTemplate({
    owner: { uid: '00000000-0000-4000-8000-000000000000', namespace, name },
    source: `${namespace}/${name}`,
    sourceResourceVersion: '1',
    name,
    content,
    serviceAccount,
  });
}

async function timed(task: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await task();
  return performance.now() - startedAt;
}
