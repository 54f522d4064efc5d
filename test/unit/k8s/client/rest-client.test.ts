import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';

import { expect } from 'chai';
import { Agent } from 'undici';

import type { Clock } from '../../../../src/k8s/util/clock.js';
import type { ApiError } from '../../../../src/k8s/client/errors.js';
import type { ApiRequest, RestClientOptions } from '../../../../src/k8s/client/rest-types.js';
import { RestClient } from '../../../../src/k8s/client/rest-client.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

describe('the REST client, against servers that misbehave', () => {
  let server: Server;
  let agent: Agent;
  let handlers: Handler[];
  let seen: IncomingMessage[];
  let slept: number[];

  beforeEach(async () => {
    handlers = [];
    seen = [];
    slept = [];
    agent = new Agent();
    server = createServer((request, response) => {
      seen.push(request);
      request.resume();
      (handlers.shift() ?? ((_request, last) => json(last, 200, {})))(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(async () => {
    await agent.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  function json(
    response: ServerResponse,
    code: number,
    body: unknown,
    headers: Record<string, string> = {},
  ): void {
    response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  const busy: Handler = (_request, response) =>
    json(response, 429, { kind: 'Status', message: 'busy' }, { 'retry-after': '1' });

  function client(options: Partial<RestClientOptions> = {}): RestClient {
    const clock: Clock = {
      now: () => Date.now(),
      sleep: (milliseconds) => {
        slept.push(milliseconds);
        return Promise.resolve();
      },
    };
    return new RestClient({
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      dispatcher: () => agent,
      authorize: () => Promise.resolve('Bearer secret-token'),
      userAgent: 'test/1',
      clock,
      random: () => 0,
      ...options,
    });
  }

  async function failure(request: ApiRequest, options: Partial<RestClientOptions> = {}): Promise<ApiError> {
    return client(options)
      .request(request)
      .then(
        () => expect.fail('the request succeeded'),
        (error: unknown) => error as ApiError,
      );
  }

  it('sends its identity and user agent, or the user agent of the request', async () => {
    await client().request({ method: 'GET', path: '/a' });
    await client().request({ method: 'GET', path: '/b', userAgent: 'test/1 for/somebody' });

    expect(seen.map(({ headers }) => [headers.authorization, headers['user-agent']])).to.deep.equal([
      ['Bearer secret-token', 'test/1'],
      ['Bearer secret-token', 'test/1 for/somebody'],
    ]);
  });

  // As streams of HTTP/2 were seen to do, after the connection was reset.
  for (const [what, statusCode, said] of [
    ['an answer', 200, 'no answer from'],
    ['a refusal', 403, 'HTTP 403'],
  ] as const) {
    it(`waits for the body of ${what} no longer than its deadline, whatever becomes of the stream`, async () => {
      const body = new Readable({ read: () => undefined });
      const stuck = { request: () => Promise.resolve({ statusCode, headers: {}, body }) };

      const error = await failure(
        { method: 'GET', path: '/x', timeoutMs: 50 },
        { dispatcher: () => stuck as unknown as Agent },
      );

      expect(error.message).to.include(said);
      expect(body.destroyed).to.equal(true);
    });
  }

  it('asks for a body that is a function once it is sent, each time', async () => {
    handlers.push(busy);
    const bodies = [Buffer.from('{"a":1}'), Buffer.from('{"a":2}')];

    await client().request({ method: 'POST', path: '/x', body: () => bodies.shift() });

    expect(bodies).to.deep.equal([]);
    expect(seen.map(({ headers }) => headers['content-length'])).to.deep.equal(['7', '7']);
    expect(seen[0]!.headers['content-type']).to.equal('application/json');
  });

  describe('where its identity is rejected', () => {
    const unauthorized: Handler = (_request, response) => json(response, 401, { kind: 'Status', code: 401 });

    it('asks for another one, and sends the request once more', async () => {
      const headers = ['Bearer old', 'Bearer new'];
      const rejected: unknown[] = [];
      handlers.push(unauthorized);

      const { code } = await client({
        authorize: () => Promise.resolve(headers[0]),
        renew: (header) => {
          rejected.push(header);
          headers.shift();
          return Promise.resolve(true);
        },
      }).request({ method: 'POST', path: '/x', body: {} });

      expect(code).to.equal(200);
      expect(rejected).to.deep.equal(['Bearer old']);
      expect(seen.map((request) => request.headers.authorization)).to.deep.equal([
        'Bearer old',
        'Bearer new',
      ]);
    });

    it('opens a watch once more as well', async () => {
      handlers.push(unauthorized, (_request, response) =>
        response.writeHead(200).end('{"type":"ADDED","object":{"metadata":{"name":"a"}}}'),
      );
      const watch = client({ renew: () => Promise.resolve(true) }).watch({
        path: '/x',
        signal: new AbortController().signal,
      });

      expect((await watch.next()).value).to.have.property('type', 'ADDED');
    });

    it('takes the second answer as it is', async () => {
      handlers.push(unauthorized, unauthorized);

      const { code } = await failure({ method: 'GET', path: '/x' }, { renew: () => Promise.resolve(true) });

      expect(code).to.equal(401);
      expect(seen).to.have.length(2);
    });

    for (const [what, renew] of [
      ['there is no other one', () => Promise.resolve(false)],
      ['another one cannot be had', () => Promise.reject(new Error('the plugin failed'))],
    ] as const) {
      it(`takes the answer as it is where ${what}`, async () => {
        handlers.push(unauthorized);

        const { code } = await failure({ method: 'GET', path: '/x' }, { renew });

        expect(code).to.equal(401);
        expect(seen).to.have.length(1);
      });
    }
  });

  it('says how much came, and breaks off an answer that is larger than it may be', async () => {
    const answer = { key: 'v'.repeat(1000) };
    handlers.push((_request, response) => json(response, 200, answer));
    const { bytes } = await client().request({ method: 'GET', path: '/x', maxBytes: 2000 });
    expect(bytes).to.equal(JSON.stringify(answer).length);

    handlers.push((_request, response) => json(response, 201, answer));
    const refused = await failure({ method: 'POST', path: '/x', body: {}, maxBytes: 500 });

    expect(refused.message).to.equal('POST /x broke off: an answer of more than 500 bytes');
  });

  it("keeps the path of the server's URL", async () => {
    const { port } = server.address() as AddressInfo;

    await client({ server: `http://127.0.0.1:${port}/k8s/clusters/c-1` }).request({
      method: 'GET',
      path: '/api',
    });

    expect(seen[0]!.url).to.equal('/k8s/clusters/c-1/api');
  });

  it('leaves it to the caller to come back where that is asked for', async () => {
    handlers.push(busy, (_request, response) => json(response, 503, {}, { 'retry-after': '2' }));

    const refused = [
      await failure({ method: 'POST', path: '/x', body: {}, waits: false }),
      await failure({ method: 'GET', path: '/x', waits: false }),
    ];

    expect(refused.map(({ code, retryAfterSeconds }) => [code, retryAfterSeconds])).to.deep.equal([
      [429, 1],
      [503, 2],
    ]);
    expect(seen).to.have.length(2);
    expect(slept).to.deep.equal([]);
  });

  it('comes back when a 429 says so, for every method, since it was not processed', async () => {
    handlers.push(busy, busy);

    const { code } = await client().request({ method: 'POST', path: '/x', body: {} });

    expect(code).to.equal(200);
    expect(slept).to.deep.equal([1000, 1000]);
  });

  it('keeps its deadline while the request waits for a connection, and never sends it later', async () => {
    await agent.destroy();
    agent = new Agent({ connections: 1, pipelining: 1 });
    const held = Promise.withResolvers<ServerResponse>();
    handlers.push((_request, response) => held.resolve(response));
    const first = client().request({ method: 'GET', path: '/first' });
    const response = await held.promise;

    const error = await failure({ method: 'POST', path: '/second', body: {}, timeoutMs: 100 });

    expect(error.message).to.match(/^POST \/second: no answer from \S+ within 0.1 s$/);
    json(response, 200, {});
    await first;
    await client().request({ method: 'GET', path: '/third' });
    expect(seen.map(({ url }) => url)).to.deep.equal(['/first', '/third']);
  });

  it('lets go of a watch that waits for a connection as soon as it is told to', async () => {
    await agent.destroy();
    agent = new Agent({ connections: 1, pipelining: 1 });
    const held = Promise.withResolvers<ServerResponse>();
    handlers.push((_request, response) => held.resolve(response));
    const first = client().request({ method: 'GET', path: '/first' });
    const response = await held.promise;
    const stop = new AbortController();

    const watching = client().watch({ path: '/watched', signal: stop.signal }).next();
    stop.abort(new Error('stopped'));

    const error = await watching.catch((reason: unknown) => reason);
    expect(error).to.equal(stop.signal.reason);
    json(response, 200, {});
    await first;
  });

  it('gives up a watch that does not get a connection in time, but not one that is open and silent', async () => {
    await agent.destroy();
    agent = new Agent({ connections: 1, pipelining: 1 });
    const held = Promise.withResolvers<ServerResponse>();
    handlers.push((_request, response) => {
      response.writeHead(200).flushHeaders();
      held.resolve(response);
    });
    const { signal } = new AbortController();
    const open = client().watch({ path: '/open', openingMs: 100, signal }).next();
    const response = await held.promise;

    const error = await client()
      .watch({ path: '/late', openingMs: 200, signal })
      .next()
      .catch((reason: unknown) => reason as ApiError);

    expect(error).to.include({ name: 'ApiError', code: 0 });
    response.end('{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"7"}}}\n');
    expect((await open).value).to.have.nested.property('object.metadata.resourceVersion', '7');
  });

  it('gives up after five tries', async () => {
    handlers.push(busy, busy, busy, busy, busy, busy);

    const error = await failure({ method: 'GET', path: '/x' });

    expect(error.code).to.equal(429);
    expect(seen).to.have.length(5);
  });

  it('does not wait beyond the time that the request has', async () => {
    handlers.push((_request, response) => json(response, 429, { kind: 'Status' }, { 'retry-after': '60' }));

    const error = await failure({ method: 'GET', path: '/x' });

    expect(error.retryAfterSeconds).to.equal(60);
    expect(slept).to.deep.equal([]);
  });

  it('repeats a GET after a 503, but never a write, which may have been processed', async () => {
    const away: Handler = (_request, response) =>
      json(response, 503, { kind: 'Status' }, { 'retry-after': '1' });
    handlers.push(away);
    await client().request({ method: 'GET', path: '/x' });
    handlers.push(away);

    const error = await failure({ method: 'PUT', path: '/x', body: {} });

    expect(error.code).to.equal(503);
    expect(seen.map(({ method }) => method)).to.deep.equal(['GET', 'GET', 'PUT']);
  });

  it('repeats a GET on a connection that breaks, but never a write', async () => {
    const cut: Handler = (request) => request.socket.destroy();
    handlers.push(cut, cut);
    await client().request({ method: 'GET', path: '/x' });
    handlers.push(cut);

    const error = await failure({ method: 'DELETE', path: '/x' });

    expect(error.code).to.equal(0);
    expect(error.message).to.match(/^cannot reach http:\/\/127\.0\.0\.1:\d+: /);
    expect(seen.map(({ method }) => method)).to.deep.equal(['GET', 'GET', 'GET', 'DELETE']);
  });

  it('says so when no answer comes in time', async () => {
    handlers.push(() => undefined);

    const error = await failure({ method: 'POST', path: '/x', timeoutMs: 100 });

    expect(error.code).to.equal(0);
    expect(error.message).to.match(/^POST \/x: no answer from http:.* within 0\.1 s$|cannot reach/);
  });

  it("ends with the caller's reason when the caller aborts", async () => {
    const controller = new AbortController();
    handlers.push(() => controller.abort(new Error('changed my mind')));

    const error = await failure({ method: 'GET', path: '/x', signal: controller.signal });

    expect(error.message).to.equal('changed my mind');
    expect(seen).to.have.length(1);
  });

  it('never puts a token into an error', async () => {
    handlers.push((request, response) => json(response, 500, { headers: request.headers['user-agent'] }));

    const error = await failure({ method: 'GET', path: '/x' });

    expect(`${error.message} ${error.stack ?? ''} ${JSON.stringify(error)}`).to.not.include('secret-token');
  });

  it('refuses an answer that is no JSON', async () => {
    handlers.push((_request, response) => response.end('<html>log in here</html>'));

    const error = await failure({ method: 'POST', path: '/x' });

    expect(error.message).to.match(/^POST \/x: http:.* answered with something other than JSON$/);
  });

  for (const header of [undefined, '', 'Bearer', 'Bearer ']) {
    it(`sends nothing by token only when the header is ${JSON.stringify(header)}`, async () => {
      const error = await failure(
        { method: 'GET', path: '/x' },
        { requireAuthorization: true, authorize: () => Promise.resolve(header) },
      );

      expect(error.message).to.equal('GET /x was not sent: this client acts by a token only, and has none');
      expect(seen).to.have.length(0);
    });
  }

  it('tells its observer of every try, with <error> where there was no answer', async () => {
    const observed: string[] = [];
    handlers.push((request) => request.socket.destroy(), busy);

    await client({
      observer: { observe: ({ method, code }) => observed.push(`${method} ${code}`) },
    }).request({ method: 'GET', path: '/x' });

    expect(observed).to.deep.equal(['GET <error>', 'GET 429', 'GET 200']);
  });

  it('throws the Status of an ERROR event as an error', async () => {
    handlers.push((_request, response) => {
      const status = {
        kind: 'Status',
        code: 410,
        reason: 'Expired',
        message: 'too old resource version: 1 (2)',
      };
      response.write(`${JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'a' } } })}\n`);
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    });
    const events: string[] = [];

    const error: unknown = await (async () => {
      for await (const event of client().watch({ path: '/x', signal: AbortSignal.timeout(5000) })) {
        events.push(event.type);
      }
      return undefined;
    })().catch((reason: unknown) => reason);

    expect(events).to.deep.equal(['ADDED']);
    expect(error).to.include({ code: 410, reason: 'Expired', message: 'too old resource version: 1 (2)' });
  });

  it('says that a watch broke off', async () => {
    handlers.push((request, response) => {
      response.write('\n', () => request.socket.destroy());
    });

    const error: unknown = await client()
      .watch({ path: '/x', signal: AbortSignal.timeout(5000) })
      .next()
      .catch((reason: unknown) => reason);

    expect(error).to.have.property('code', 0);
    expect(error)
      .to.have.property('message')
      .that.matches(/^watch of \/x broke off: /);
  });
});
