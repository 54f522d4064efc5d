import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { AuditSink } from '../../../../src/telemetry/logging/audit-sink.js';

const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), sleep: () => Promise.resolve() };

describe('the audit log', () => {
  const entry = {
    configMapSync: { namespace: 'team-a', name: 'ca' },
    serviceAccount: 'system:serviceaccount:team-a:default',
    verb: 'create',
    namespace: 'prod',
    decision: 'denied',
    reason: 'MissingPermissions',
    code: 403,
    auditID: '1b4e28ba',
  } as const;

  it('is one JSON object a line, with audit: true and the time', async () => {
    const stream = new PassThrough();
    const sink = new AuditSink(stream, { clock });

    sink.write(entry);
    sink.write({ ...entry, decision: 'allowed', code: 201, auditID: undefined });
    await sink.close(AbortSignal.timeout(1000));

    const lines = (stream.read() as Buffer).toString().split('\n');
    expect(lines).to.have.length(3);
    expect(JSON.parse(lines[0]!)).to.deep.equal({ audit: true, time: '2026-01-02T03:04:05.006Z', ...entry });
    expect(JSON.parse(lines[1]!))
      .to.deep.include({ decision: 'allowed', code: 201 })
      .and.not.have.property('auditID');
  });

  it('tells the log when lines were lost', async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const told: unknown[] = [];
    const sink = new AuditSink(stream, {
      clock,
      logger: { error: (message, fields) => void told.push([message, fields]) },
    });
    const long = { ...entry, reason: 'x'.repeat(8000) };

    for (let line = 0; line < 5000; line += 1) sink.write(long);
    stream.resume();
    await sink.close(AbortSignal.timeout(5000));
    sink.write(entry);

    expect(told).to.have.length(1);
    expect(told[0]).to.have.nested.property('[1].dropped', sink.dropped);
    expect(told[0]).to.have.nested.property('[1].dropped').that.is.within(500, 2000);
  });

  it('has every line of a tenant whose decisions are few beside one that fills the buffer', async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const sink = new AuditSink(stream, { clock });
    const long = { ...entry, reason: 'x'.repeat(8000) };
    const ofOther = { ...long, configMapSync: { namespace: 'other', name: 'ca' } };

    for (let line = 0; line < 5000; line += 1) {
      sink.write(ofOther);
      if (line % 100 === 0) sink.write(long);
    }
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await sink.close(AbortSignal.timeout(5000));

    expect(sink.dropped).to.be.greaterThan(500);
    expect(text.match(/"namespace":"team-a"/g)).to.have.length(50);
  });
});
