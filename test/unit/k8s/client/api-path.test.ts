import { expect } from 'chai';

import { apiPath, queryString } from '../../../../src/k8s/client/api-path.js';

describe('apiPath', () => {
  it('puts the core group below /api and all others below /apis', () => {
    expect(apiPath({ group: '', version: 'v1', resource: 'namespaces' })).to.equal('/api/v1/namespaces');
    expect(apiPath({ group: 'apps', version: 'v1', namespace: 'a', resource: 'deployments' })).to.equal(
      '/apis/apps/v1/namespaces/a/deployments',
    );
  });

  it('names an object and its subresource', () => {
    expect(
      apiPath({
        group: 'example.com',
        version: 'v1',
        namespace: 'a',
        resource: 'things',
        name: 'b',
        subresource: 'status',
      }),
    ).to.equal('/apis/example.com/v1/namespaces/a/things/b/status');
  });

  it('encodes names, so that none of them reaches another resource', () => {
    const path = apiPath({ group: '', version: 'v1', namespace: '../x', resource: 'pods', name: 'a/b?c#d' });

    expect(path).to.equal('/api/v1/namespaces/..%2Fx/pods/a%2Fb%3Fc%23d');
  });

  for (const name of ['', '.', '..']) {
    it(`refuses the name "${name}", which would address something else`, () => {
      expect(() => apiPath({ group: '', version: 'v1', resource: 'namespaces', name })).to.throw(RangeError);
    });
  }
});

describe('queryString', () => {
  it('encodes what is set and leaves out what is not', () => {
    expect(queryString({ limit: 500, watch: true, labelSelector: 'a=b,c', continue: undefined })).to.equal(
      '?limit=500&watch=true&labelSelector=a%3Db%2Cc',
    );
    expect(queryString({ continue: undefined })).to.equal('');
  });
});
