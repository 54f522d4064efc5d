import { setTimeout as sleep } from 'node:timers/promises';
import { Api } from '../../../hack/rig/api.js';
import { isApiError } from '../../../src/k8s/client/errors.js';

interface Pod {
  metadata: { name: string; namespace: string; deletionTimestamp?: string };
  spec: { nodeName?: string; containers: { name: string }[] };
  status: { phase?: string };
}

const NODE = 'stand-in';
const INTERVAL_MS = 250;

/**
 * Scheduler and kubelet of a node that runs nothing: each pod is bound to it, says that it is ready, and goes when it is
 * deleted. It shows that OLM, Deployments and ReplicaSets are content, and nothing of the program in the pods.
 */
export class StandInKubelet {
  readonly #api: Api;
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(api: Api) {
    this.#api = api;
  }

  static async start(kubeconfig: string): Promise<StandInKubelet> {
    const kubelet = new StandInKubelet(await Api.connect(kubeconfig));
    await kubelet.#post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } });
    kubelet.#running = kubelet.#run();
    return kubelet;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.#api.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      // Whatever fails here, a pod that is gone already or an API server that stops, is tried again in a moment.
      await this.#look().catch(() => undefined);
      await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopped;
    const { body } = await this.#api.client.request<{ items: Pod[] }>({
      method: 'GET',
      path: '/api/v1/pods',
      signal,
    });
    await Promise.all(body.items.map((pod) => this.#serve(pod)));
  }

  async #serve({ metadata, spec, status }: Pod): Promise<void> {
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
    if (metadata.deletionTimestamp !== undefined) {
      await this.#api.client.request({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } });
    } else if (spec.nodeName === undefined) {
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: metadata.name },
        target: { apiVersion: 'v1', kind: 'Node', name: NODE },
      };
      await this.#post(`${path}/binding`, binding);
    } else if (status.phase === 'Pending') {
      await this.#api.client.request({
        method: 'PATCH',
        path: `${path}/status`,
        body: readyStatus(spec.containers),
      });
    }
  }

  async #post(path: string, body: object): Promise<void> {
    try {
      await this.#api.client.request({ method: 'POST', path, body });
    } catch (error) {
      if (!isApiError(error, 409)) throw error;
    }
  }
}

function readyStatus(containers: readonly { name: string }[]): object {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const types = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'];
  return {
    status: {
      phase: 'Running',
      startTime: now,
      podIP: '127.0.0.1',
      conditions: types.map((type) => ({ type, status: 'True', lastTransitionTime: now })),
      containerStatuses: containers.map(({ name }) => ({
        ...{ name, image: 'none', imageID: '', ready: true, started: true, restartCount: 0 },
        state: { running: { startedAt: now } },
      })),
    },
  };
}
