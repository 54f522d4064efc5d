import { ApiError } from '../../../src/k8s/client/errors.js';
import type { KubernetesObject, WatchEvent } from '../../../src/k8s/client/objects.js';
import type { ApiRequest, ApiResponse, WatchRequest } from '../../../src/k8s/client/rest-types.js';
import type { RestClient } from '../../../src/k8s/client/rest-client.js';

/** One request as it would have gone over the wire. */
export interface Sent extends ApiRequest {
  authorization: string;
}

/** A watch that a client holds open. */
export interface OpenWatch {
  request: WatchRequest;
  authorization: string;
  emit(event: WatchEvent<KubernetesObject>): void;
  /** Ends it: regularly, or by an error. */
  end(error?: Error): void;
}

/** An API server that answers as the test says; every client of it sends the token that it is given. */
export class FakeApi {
  readonly sent: Sent[] = [];
  readonly watches: OpenWatch[] = [];
  /** The body of the answer to one request, or what it is refused with. */
  answer: (request: Sent) => unknown;
  /** Refuses a watch before it opens. */
  refuseWatch: ((request: WatchRequest) => Error | undefined) | undefined;
  /** How large each answer is. */
  bytes = 0;

  constructor(answer: (request: Sent) => unknown) {
    this.answer = answer;
  }

  client(
    authorize: (signal?: AbortSignal) => Promise<string> = () => Promise.resolve('operator'),
  ): RestClient {
    const client: Pick<RestClient, 'request' | 'watch'> = {
      request: <T>(request: ApiRequest) => this.#request<T>(request, authorize),
      watch: <T extends KubernetesObject>(request: WatchRequest) => this.#watch<T>(request, authorize),
    };
    return client as RestClient;
  }

  /** Requests whose path ends so. */
  sentTo(path: string): Sent[] {
    return this.sent.filter((request) => request.path.endsWith(path));
  }

  async #request<T>(
    request: ApiRequest,
    authorize: (signal?: AbortSignal) => Promise<string>,
  ): Promise<ApiResponse<T>> {
    const authorization = await authorize(request.signal);
    request.signal?.throwIfAborted();
    const { body: given } = request;
    const json: unknown = typeof given === 'function' ? JSON.parse(String((given as () => Buffer)())) : given;
    const sent = { ...request, body: json, authorization };
    this.sent.push(sent);
    const answered = await this.answer(sent);
    request.signal?.throwIfAborted();
    const body = request.read?.(Buffer.from(JSON.stringify(answered))) ?? answered;
    return { body: body as T, bytes: this.bytes, code: 200, auditID: `audit-${this.sent.length}` };
  }

  async *#watch<T extends KubernetesObject>(
    request: WatchRequest,
    authorize: (signal?: AbortSignal) => Promise<string>,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const authorization = await authorize(request.signal);
    const refusal = this.refuseWatch?.(request);
    if (refusal !== undefined) throw refusal;
    const events: (WatchEvent<T> | Error | 'end')[] = [];
    let wake = (): void => undefined;
    const add = (event: WatchEvent<T> | Error | 'end'): void => {
      events.push(event);
      wake();
    };
    const watch: OpenWatch = {
      request,
      authorization,
      emit: (event) => add(event as WatchEvent<T>),
      end: (error) => add(error ?? 'end'),
    };
    const onAbort = (): void => add(request.signal.reason as Error);
    request.signal.addEventListener('abort', onAbort, { once: true });
    this.watches.push(watch);
    request.onOpen?.();
    try {
      for (;;) {
        const event = events.shift();
        if (event === 'end') return;
        if (event instanceof Error) throw event;
        if (event === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else yield event;
      }
    } finally {
      this.watches.splice(this.watches.indexOf(watch), 1);
    }
  }
}

export function refusal(code: number, reason = ''): ApiError {
  return new ApiError({ code, reason, message: `refused with ${code}`, auditID: 'audit-refused' });
}
