import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Ends a request with plain text (one line unless `body` has several); a HEAD gets the headers alone. */
export function answerText(
  response: ServerResponse,
  code: number,
  body: string,
  headers: OutgoingHttpHeaders = {},
): void {
  answer(response, code, Buffer.from(`${body}\n`), {
    'content-type': 'text/plain; charset=utf-8',
    ...headers,
  });
}

export function answer(
  response: ServerResponse,
  code: number,
  body: Buffer,
  headers: OutgoingHttpHeaders,
): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(code, {
    'content-length': body.byteLength,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/**
 * The request's path, for the reading methods; undefined where another one was refused here. A body is not for us:
 * the connection ends rather than that somebody reads it.
 */
export function readablePath(request: IncomingMessage, response: ServerResponse): URL | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    answerText(response, 405, 'only GET and HEAD', { allow: 'GET, HEAD', connection: 'close' });
    return undefined;
  }
  const url = URL.parse(request.url ?? '', 'http://host');
  if (url === null) answerText(response, 400, 'no such address', { connection: 'close' });
  return url ?? undefined;
}
