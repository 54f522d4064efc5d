import { expect } from 'chai';
import fc from 'fast-check';

import { printable, truncate } from '../../../../src/k8s/util/text.js';
import { foreignText, HARMFUL } from '../../../support/foreign-text.js';

describe('truncate', () => {
  it('leaves alone what fits', () => {
    expect(truncate('ü'.repeat(5), 10)).to.equal('ü'.repeat(5));
  });

  it('cuts between characters and ends with an ellipsis', () => {
    expect(truncate('aüüüü', 7)).to.equal('aü…');
    expect(truncate('𝄞𝄞𝄞', 10)).to.equal('𝄞…');
  });

  it('never exceeds its bound and never breaks a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 3, max: 50 }), (text, maxBytes) => {
        const cut = truncate(text, maxBytes);

        expect(Buffer.byteLength(cut)).to.be.at.most(maxBytes);
        expect(text.startsWith(cut.replace(/…$/, ''))).to.equal(true);
      }),
    );
  });
});

describe('printable', () => {
  it('makes one harmless line of any text, which JSON reads as what it was', () => {
    fc.assert(
      fc.property(foreignText(), (text) => {
        expect(printable(text)).to.not.match(HARMFUL);
        expect(JSON.parse(printable(JSON.stringify(text)))).to.equal(text);
      }),
    );
  });

  it('leaves alone what can be seen', () => {
    expect(printable('ü 𝄞 日本 עברית "x" \\n')).to.equal('ü 𝄞 日本 עברית "x" \\n');
  });
});
