import type { KubernetesObject, WatchEvent } from '../../../src/k8s/client/objects.js';
import type { ApiRequest, ApiResponse, WatchRequest } from '../../../src/k8s/client/rest-types.js';
import { Reachability } from '../../../src/k8s/client/reachability.js';
import type { Watcher } from '../../../src/k8s/client/rest-client.js';

type Answer = object | Error;
/** Events and pauses of one watch; an Error ends it, `open` keeps it open until it is aborted. */
type Script = readonly (WatchEvent<KubernetesObject> | Error | 'open')[];

/** A client that plays its answers in order, for faults that a real server cannot be made to produce. */
export class ScriptedWatcher implements Watcher {
  readonly requests: ApiRequest[] = [];
  readonly watches: WatchRequest[] = [];
  readonly reachability = new Reachability(() => this.now());
  /** Of {@link reachability}, in milliseconds. */
  now = (): number => 0;
  readonly #answers: Answer[];
  readonly #scripts: (Script | Error)[];

  constructor(script: { answers?: Answer[]; watches?: (Script | Error)[] }) {
    this.#answers = [...(script.answers ?? [])];
    this.#scripts = [...(script.watches ?? [])];
  }

  request<T>(request: ApiRequest): Promise<ApiResponse<T>> {
    this.requests.push(request);
    const answer = this.#answers.shift();
    if (answer === undefined) return Promise.reject(new Error(`no answer left for ${request.path}`));
    return answer instanceof Error
      ? Promise.reject(answer)
      : Promise.resolve({ body: answer as T, code: 200, auditID: undefined });
  }

  async *watch<T extends KubernetesObject>(request: WatchRequest): AsyncGenerator<WatchEvent<T>> {
    this.watches.push(request);
    const script = this.#scripts.shift() ?? ['open'];
    if (script instanceof Error) throw script;
    request.onOpen?.();
    for (const step of script) {
      if (step instanceof Error) throw step;
      if (step === 'open') await aborted(request.signal);
      else yield step as WatchEvent<T>;
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

export function object(name: string, resourceVersion: string, extra: object = {}): KubernetesObject {
  return { metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion, ...extra } };
}

export function event(
  type: WatchEvent<KubernetesObject>['type'],
  name: string,
  resourceVersion: string,
  extra: object = {},
): WatchEvent<KubernetesObject> {
  return { type, object: object(name, resourceVersion, extra) };
}

/** The bookmark that ends the initial events of a streamed list. */
export function initialEnd(resourceVersion: string): WatchEvent<KubernetesObject> {
  return event('BOOKMARK', '', resourceVersion, { annotations: { 'k8s.io/initial-events-end': 'true' } });
}
