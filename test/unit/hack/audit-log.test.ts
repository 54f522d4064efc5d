import { expect } from 'chai';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog } from '../../../hack/rig/audit-log.js';

describe('the audit log reader', () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'config-weaver-audit-'));
    path = join(directory, 'audit.log');
    await writeFile(path, line({ auditID: 'old' }));
  });

  afterEach(() => rm(directory, { recursive: true }));

  function line(entry: object): string {
    return `${JSON.stringify({ verb: 'get', user: { username: 'someone' }, ...entry })}\n`;
  }

  it('reads from the start, or from now on', async () => {
    const all = AuditLog.fromStart(path);
    const fresh = await AuditLog.fromNow(path);
    await appendFile(path, line({ auditID: 'new' }));

    expect((await all.entries()).map(({ auditID }) => auditID)).to.deep.equal(['old', 'new']);
    expect((await fresh.entries()).map(({ auditID }) => auditID)).to.deep.equal(['new']);
  });

  it('waits for the end of a line, even where the cut goes through a letter', async () => {
    const log = await AuditLog.fromNow(path);
    const bytes = Buffer.from(line({ auditID: 'zoë' }));
    const cut = bytes.indexOf(Buffer.from('ë')) + 1;
    await appendFile(path, bytes.subarray(0, cut));
    expect(await log.entries()).to.deep.equal([]);

    await appendFile(path, bytes.subarray(cut));

    expect((await log.entries()).map(({ auditID }) => auditID)).to.deep.equal(['zoë']);
  });

  it('from now on leaves out a line that was half written then, and nothing in an empty file', async () => {
    const half = line({ auditID: 'half' });
    await appendFile(path, half.slice(0, 10));
    const log = await AuditLog.fromNow(path);
    await appendFile(path, half.slice(10, 20));
    expect(await log.entries()).to.deep.equal([]);
    await appendFile(path, half.slice(20) + line({ auditID: 'new' }));
    expect((await log.entries()).map(({ auditID }) => auditID)).to.deep.equal(['new']);

    await writeFile(path, '');
    const empty = await AuditLog.fromNow(path);
    await appendFile(path, line({ auditID: 'first' }));
    expect((await empty.entries()).map(({ auditID }) => auditID)).to.deep.equal(['first']);
  });

  it('filters by who did what to which object', async () => {
    const log = await AuditLog.fromNow(path);
    const target = { resource: 'configmaps', namespace: 'team-b', name: 'shared' };
    await appendFile(
      path,
      line({ auditID: '1', verb: 'create', objectRef: target, responseStatus: { code: 403 } }) +
        line({ auditID: '2', verb: 'create', objectRef: { ...target, subresource: 'status' } }) +
        line({
          auditID: '3',
          verb: 'update',
          objectRef: target,
          userAgent: 'config-weaver/0.1 configmapsync/a/b',
        }),
    );
    const ids = async (filter: Parameters<AuditLog['entries']>[0]): Promise<string[]> =>
      (await log.entries(filter)).map(({ auditID }) => auditID);

    expect(await ids({ verb: 'create', subresource: '' })).to.deep.equal(['1']);
    expect(await ids({ code: 403 })).to.deep.equal(['1']);
    expect(await ids({ verb: ['update', 'delete'], namespace: 'team-b' })).to.deep.equal(['3']);
    expect(await ids({ userAgent: /configmapsync\/a\/b$/ })).to.deep.equal(['3']);
    expect(await ids({ username: 'nobody' })).to.deep.equal([]);
  });
});
