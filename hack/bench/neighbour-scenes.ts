import type { AuditLog } from '../../test/support/audit-log.js';
import { absentNamespaces, createSyncs, createTargets } from '../../test/support/neighbour.js';
import type { TestPlane } from '../../test/support/plane.js';
import { SlowWebhook } from '../../test/support/slow-webhook.js';
import type { TestApi } from '../../test/support/test-api.js';
import type { TestTenant } from '../../test/support/tenant.js';
import { Throttle } from '../../test/support/throttle.js';
import { waitUntil } from '../control-plane/poll.js';
import { recordedRequests } from '../rig/recorded-requests.js';
import { Editor } from './editor.js';

/** What a scene works with. Its tenant has a source and nothing else. */
export interface Stage {
  api: TestApi;
  plane: Pick<TestPlane, 'kubectl' | 'serviceAccountKubeconfig'>;
  tenant: TestTenant;
  log: AuditLog;
}

/** The load beside the neighbour, until it is ended. */
export interface Disturbance {
  /** Requests of the disturbing tenant that were answered since the log's beginning, or that are in flight now. */
  count(log: AuditLog): Promise<number>;
  end(): Promise<void>;
}

export interface Scene {
  /** For the command line. */
  name: string;
  /** Completes "beside …". */
  title: string;
  /** Resolves when the load has begun. */
  begin(stage: Stage): Promise<Disturbance>;
}

const BEGIN_MILLISECONDS = 60_000;

/** So many requests show that the load has begun. */
const BEGUN_REQUESTS = 10;

/** The source is edited while writes hang, so that there is always one in flight. */
const EDIT_PERIOD_MILLISECONDS = 1000;

export const SCENES: readonly Scene[] = [
  slow('slow-one', { syncs: 1, targets: 40, seconds: 9 }),
  slow('slow-ten', { syncs: 10, targets: 1, seconds: 9 }),
  slow('slow-many', { syncs: 12, targets: 200, seconds: 5 }),
  throttled('throttled', { syncs: 10, targets: 40 }),
  denied('denied-150', { syncs: 150, targets: 200 }),
  denied('denied-200', { syncs: 200, targets: 200 }),
  // 100 × 1,000 would not even be created in this time on two cores. 2,000 copies are already ten times what can be written.
  busy('busy', { syncs: 20, targets: 100, editsPerSecond: 10 }),
];

interface Size {
  syncs: number;
  targets: number;
}

/** Writes wait for an admission webhook. */
function slow(name: string, { syncs, targets, seconds }: Size & { seconds: number }): Scene {
  return {
    name,
    title: `${syncs} × ${targets} targets whose writes take ${seconds} s`,
    async begin({ api, plane, tenant }) {
      const webhook = await SlowWebhook.start(plane.kubectl);
      const namespaces = await createTargets(api, tenant, { count: targets, labels: webhook.labels });
      await webhook.inForce(namespaces[0] ?? '');
      webhook.answerAfterMs = seconds * 1000;
      await createSyncs(tenant, { count: syncs, targets: namespaces });
      await webhook.busy(BEGIN_MILLISECONDS);
      const editor = new Editor(tenant, EDIT_PERIOD_MILLISECONDS);
      editor.start();
      return {
        count: () => Promise.resolve(webhook.pending.length),
        end: async () => {
          await editor.stop();
          await webhook.close();
        },
      };
    },
  };
}

/** Writes are answered with 429. */
function throttled(name: string, { syncs, targets }: Size): Scene {
  return {
    name,
    title: `${syncs} × ${targets} targets of a throttled ServiceAccount`,
    async begin({ api, plane, tenant, log }) {
      const namespaces = await createTargets(api, tenant, { count: targets });
      const throttle = await Throttle.start(api, plane, tenant, { verbs: ['create', 'update'] });
      await createSyncs(tenant, { count: syncs, targets: namespaces });
      const editor = new Editor(tenant, EDIT_PERIOD_MILLISECONDS);
      editor.start();
      const count = (since: AuditLog): Promise<number> => answered(since, tenant, 429);
      await atLeast(BEGUN_REQUESTS, () => count(log));
      return {
        count,
        end: async () => {
          await editor.stop();
          await throttle.close();
        },
      };
    },
  };
}

/** The tenant has no permission in any of its targets, which do not even exist. */
function denied(name: string, { syncs, targets }: Size): Scene {
  return {
    name,
    title: `${syncs} × ${targets} denied targets`,
    async begin({ tenant, log }) {
      await createSyncs(tenant, { count: syncs, targets: absentNamespaces(tenant, targets) });
      const count = (since: AuditLog): Promise<number> => answered(since, tenant);
      await atLeast(BEGUN_REQUESTS, () => count(log));
      return { count, end: () => Promise.resolve() };
    },
  };
}

/** There is more to write than the API server can take. */
function busy(name: string, { syncs, targets, editsPerSecond }: Size & { editsPerSecond: number }): Scene {
  return {
    name,
    title: `${syncs} × ${targets} targets, ${editsPerSecond} edits a second`,
    async begin({ api, tenant, log }) {
      const namespaces = await createTargets(api, tenant, { count: targets });
      await createSyncs(tenant, { count: syncs, targets: namespaces });
      const editor = new Editor(tenant, 1000 / editsPerSecond);
      editor.start();
      const count = (since: AuditLog): Promise<number> => answered(since, tenant);
      await atLeast(syncs * targets, () => count(log));
      return { count, end: () => editor.stop() };
    },
  };
}

/** The operator's requests as this tenant. */
async function answered(log: AuditLog, { username }: TestTenant, code?: number): Promise<number> {
  const filter = { username, userAgent: /^config-weaver\//, ...(code !== undefined && { code }) };
  return (await recordedRequests(log, filter)).length;
}

async function atLeast(least: number, count: () => Promise<number>): Promise<void> {
  await waitUntil(async () => (await count()) >= least, {
    what: `${least} requests of the other tenant`,
    timeoutMilliseconds: BEGIN_MILLISECONDS,
    intervalMilliseconds: 250,
  });
}
