import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

import { expect } from 'chai';

import { RestClient } from '../../../../src/k8s/client/rest-client.js';
import { Transport } from '../../../../src/k8s/client/transport.js';
import { selfSignedKeyPair } from '../../../../src/telemetry/http/serving-certificate.js';

describe('the transport, against a server of its own', () => {
  let server: Http2SecureServer;
  let transport: Transport;
  let client: RestClient;
  let seen: string[];

  beforeEach(async () => {
    seen = [];
    server = createSecureServer({ ...(await selfSignedKeyPair(Date.now())), allowHTTP1: true });
    server.on('request', (request, response) => {
      seen.push(`${request.method} ${request.url} HTTP/${request.httpVersion}`);
      request.resume();
      if (request.url !== '/never') {
        response.end('{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"7"}}}\n');
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // The certificate is made for this test and known to nobody.
    transport = new Transport({
      server: origin,
      tls: { rejectUnauthorized: false },
      namespace: 'default',
      source: 'test',
      authorize: () => Promise.resolve(undefined),
    });
    client = new RestClient({
      server: origin,
      dispatcher: (use) => transport.dispatcher('bearer', use),
      authorize: () => Promise.resolve('Bearer token'),
      userAgent: 'test',
    });
  });

  afterEach(async () => {
    await transport.close();
    server.close();
    await once(server, 'close');
  });

  it('reads and watches over HTTP/2, and sends bodies over HTTP/1.1', async () => {
    await client.request({ method: 'GET', path: '/read' });
    await client.request({ method: 'DELETE', path: '/removed' });
    await client.request({ method: 'DELETE', path: '/removed-if', body: {} });
    await client.request({ method: 'PATCH', path: '/changed', body: {} });
    await client.watch({ path: '/watched', signal: new AbortController().signal }).next();

    expect(seen).to.deep.equal([
      'GET /read HTTP/2.0',
      'DELETE /removed HTTP/2.0',
      'DELETE /removed-if HTTP/1.1',
      'PATCH /changed HTTP/1.1',
      'GET /watched?watch=true HTTP/2.0',
    ]);
  });

  it('lets go of requests whose body is on its way, and goes on', async () => {
    await client.request({ method: 'POST', path: '/first', body: {} });
    expect(seen, 'else the next step would never end').to.deep.equal(['POST /first HTTP/1.1']);
    const stop = new AbortController();

    const sending = Array.from({ length: 40 }, (_, index) =>
      client.request({ method: 'POST', path: '/never', body: { index }, signal: stop.signal }),
    );
    const outcomes = Promise.allSettled(sending);
    // By now the bodies were handed over, and have not been sent.
    await Promise.resolve();
    await Promise.resolve();
    stop.abort(new Error('stopped'));

    const reasons = (await outcomes).map(
      (outcome) => outcome.status === 'rejected' && String(outcome.reason),
    );
    expect(new Set(reasons)).to.deep.equal(new Set(['Error: stopped']));
    const { code } = await client.request({ method: 'POST', path: '/after', body: {} });
    expect(code).to.equal(200);
  });
});
