import { isApiError } from './errors.js';
import type { KubernetesObject, ObjectList } from './objects.js';
import type { Requester } from './rest-client.js';

export interface ListRequest {
  client: Requester;
  path: string;
  accept?: { list: string } | undefined;
  /** Default: 500, kubectl's. */
  pageSize?: number | undefined;
}

export interface WholeList<T extends KubernetesObject> extends ObjectList<T> {
  items: T[];
}

/** How often a list may expire under our hands before it counts as a failure. */
const MAX_STARTS = 3;

/**
 * Reads a whole list page by page; all pages are of the one moment that the resourceVersion names.
 * @param transform Strips what is not needed, before the next page is read.
 * @throws ApiError; 410 only when three starts in a row took longer than the server keeps a page token, which is minutes.
 */
export async function listPages<T extends KubernetesObject>(
  request: ListRequest,
  signal: AbortSignal,
  transform = (object: T): T => object,
): Promise<WholeList<T>> {
  for (let starts = 1; ; starts++) {
    try {
      return await readPages<T>(request, signal, transform);
    } catch (error) {
      if (!isApiError(error, 410) || starts >= MAX_STARTS) throw error;
    }
  }
}

async function readPages<T extends KubernetesObject>(
  { client, path, accept, pageSize = 500 }: ListRequest,
  signal: AbortSignal,
  transform: (object: T) => T,
): Promise<WholeList<T>> {
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const page = { path, query: { limit: pageSize, continue: token }, accept: accept?.list, signal };
    const { body } = await client.request<ObjectList<T>>({ method: 'GET', ...page });
    items.push(...(body.items ?? []).map(transform));
    token = body.metadata.continue || undefined;
    if (token === undefined) return { metadata: { resourceVersion: body.metadata.resourceVersion }, items };
  }
}
