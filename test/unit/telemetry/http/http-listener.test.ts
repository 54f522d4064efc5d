import { expect } from 'chai';
import { parseBindAddress } from '../../../../src/cli/option-types.js';
import { formatBindAddress } from '../../../../src/telemetry/http/http-listener.js';

describe('bind address', () => {
  for (const text of [':8443', '127.0.0.1:0', 'localhost:9000', '[::1]:8443']) {
    it(`reads ${text} and writes it the same`, () => {
      const address = parseBindAddress(text);

      expect(address).not.to.equal('off');
      expect(formatBindAddress(address as Exclude<typeof address, 'off'>)).to.equal(text);
    });
  }

  for (const text of ['0', '']) {
    it(`takes '${text}' for off`, () => {
      expect(parseBindAddress(text)).to.equal('off');
    });
  }

  for (const text of ['8443', ':', ':-1', ':65536', '::1:8443', 'http://a:1', ':80 ', 'a b:1']) {
    it(`refuses '${text}'`, () => {
      expect(() => parseBindAddress(text)).to.throw(':PORT');
    });
  }
});
