import { expect } from 'chai';

import { answerError, failureCause, statusError } from '../../../../src/k8s/client/errors.js';
import { HARMFUL, longTexts } from '../../../support/foreign-text.js';

const answer = { code: 500, what: 'GET /x', text: '', retryAfter: undefined, auditID: undefined };

describe('answerError', () => {
  it('takes code, reason, sentence, causes and waiting time from a metav1.Status', () => {
    const error = answerError({
      ...answer,
      code: 429,
      auditID: 'audit-1',
      text: JSON.stringify({
        kind: 'Status',
        code: 429,
        reason: 'TooManyRequests',
        message: 'slow down',
        details: { retryAfterSeconds: 7, causes: [{ reason: 'Busy', message: 'very' }] },
      }),
    });

    expect(error).to.include({
      code: 429,
      reason: 'TooManyRequests',
      message: 'slow down',
      retryAfterSeconds: 7,
      auditID: 'audit-1',
    });
    expect(error.hasCause('Busy')).to.equal(true);
  });

  it('believes the Retry-After header before the Status', () => {
    const text = JSON.stringify({ kind: 'Status', message: 'x', details: { retryAfterSeconds: 7 } });

    expect(answerError({ ...answer, text, retryAfter: '2' }).retryAfterSeconds).to.equal(2);
  });

  it('names the request where a Status has no sentence', () => {
    const text = JSON.stringify({ kind: 'Status', reason: 'InternalError' });

    expect(answerError({ ...answer, text }).message).to.equal('GET /x: HTTP 500 InternalError');
  });

  it("makes one clean line of a proxy's page", () => {
    const text = '<html>\n<head><title>502 Bad Gateway</title></head>\r\n\u001b[31m<body>nginx</body></html>';

    expect(answerError({ ...answer, code: 502, text }).message).to.equal(
      'GET /x: HTTP 502: 502 Bad Gateway [31m nginx',
    );
  });

  it('cuts what is too long for a log line', () => {
    expect(answerError({ ...answer, text: 'x'.repeat(5000) }).message).to.have.length.below(250);
  });

  it('takes no time for 1 MiB of anything, and makes a short line of it', () => {
    const started = performance.now();
    for (const [what, text] of longTexts()) {
      for (const message of [answerError({ ...answer, text }).message, failureCause(new Error(text))]) {
        expect(message, what).to.have.length.below(250).and.to.not.match(HARMFUL);
      }
    }

    expect(performance.now() - started).to.be.below(45_000);
  }).timeout(60_000);

  it('keeps 16 KiB at most of the sentence of a Status', () => {
    const message = 'x'.repeat(1024 * 1024);

    expect(statusError({ kind: 'Status', message }, answer).message).to.have.length.below(16 * 1024 + 1);
  });
});

describe('failureCause', () => {
  it('finds the code of the system where there is one', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:1'), { code: 'ECONNREFUSED' });

    expect(failureCause(refused)).to.equal('ECONNREFUSED');
    expect(failureCause(new AggregateError([refused]))).to.equal('ECONNREFUSED');
  });

  it("says undici's own failures by their sentence", () => {
    const closed = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });

    expect(failureCause(closed)).to.equal('other side closed');
  });
});
