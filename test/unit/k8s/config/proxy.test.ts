import { expect } from 'chai';

import { proxyFromEnvironment } from '../../../../src/k8s/config/proxy.js';

describe('proxyFromEnvironment', () => {
  const HTTPS_PROXY = 'http://proxy:3128';

  it("takes the variable of the server's scheme, in either case, with or without a scheme of its own", () => {
    expect(proxyFromEnvironment('https://k8s.example.com', { HTTPS_PROXY })).to.equal(HTTPS_PROXY);
    expect(proxyFromEnvironment('https://k8s.example.com', { https_proxy: 'proxy:3128' })).to.equal(
      HTTPS_PROXY,
    );
    expect(proxyFromEnvironment('http://k8s.example.com', { HTTPS_PROXY })).to.equal(undefined);
    expect(proxyFromEnvironment('https://k8s.example.com', {})).to.equal(undefined);
  });

  for (const server of ['https://localhost:6443', 'https://127.0.0.1:6443', 'https://[::1]:6443']) {
    it(`never takes one for ${server}`, () => {
      expect(proxyFromEnvironment(server, { HTTPS_PROXY })).to.equal(undefined);
    });
  }

  for (const [server, noProxy, exempt] of [
    ['https://k8s.example.com', 'example.com', true],
    ['https://k8s.example.com', '.example.com', true],
    ['https://k8s.example.com', 'other.com, k8s.example.com', true],
    ['https://k8s.example.com:6443', 'k8s.example.com:6443', true],
    ['https://k8s.example.com:6443', 'k8s.example.com:443', false],
    ['https://notexample.com', 'example.com', false],
    ['https://example.com', '.example.com', false],
    ['https://k8s.example.com', '*', true],
    ['https://10.96.0.1', '10.0.0.0/8,.svc', true],
    ['https://11.96.0.1', '10.0.0.0/8,.svc', false],
    ['https://10.96.0.1', '10.96.0.1', true],
    ['https://[fd00::1]', 'fd00::/8', true],
    ['https://10.96.0.1', 'nonsense/99', false],
  ] as const) {
    it(`${exempt ? 'passes it by' : 'takes it'} for ${server} with NO_PROXY=${noProxy}`, () => {
      expect(proxyFromEnvironment(server, { HTTPS_PROXY, NO_PROXY: noProxy })).to.equal(
        exempt ? undefined : HTTPS_PROXY,
      );
    });
  }
});
