import { expect } from 'chai';
import { execFile, type ExecFileException } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../hack/repository.js';
import { skip } from './support/skip.js';

const run = promisify(execFile);

/** What decides whether a test without its tool is skipped or fails. */
describe('packages of the system', function () {
  // apt fetches its lists.
  this.timeout(120_000);
  let directory: string | undefined;

  before(async function () {
    if (!existsSync('/usr/bin/apt-get')) skip(this, 'needs a Debian or its kin');
    directory = await mkdtemp(join(tmpdir(), 'config-weaver-packages-'));
  });
  after(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  function unpack(...packages: string[]): Promise<{ stdout: string; stderr: string }> {
    const script = join(repositoryRoot(), 'hack/tools/unpack-debian');
    const env = { ...process.env, XDG_CACHE_HOME: join(directory!, 'cache') };
    return run(script, [join(directory!, 'packages', 'folder'), ...packages], { env });
  }

  it('are unpacked with all libraries of their programs, which need no environment to find them', async () => {
    await unpack('gpgconf');

    const program = join(directory!, 'packages/folder/usr/bin/gpgconf');
    const { stdout: version } = await run(program, ['--version'], { env: {} });
    const { stdout: libraries } = await run(program, [], { env: { LD_TRACE_LOADED_OBJECTS: '1' } });

    expect(version).to.match(/^gpgconf/);
    const paths = [...libraries.matchAll(/\/\S+/g)].map(([path]) => path);
    expect(paths.join()).to.include('libgcrypt').and.to.include('libc.so');
    expect(paths.filter((path) => !path.startsWith(directory!))).to.deep.equal([]);
  });

  it('are absent, which is no failure, only where the registry has none of that name', async () => {
    const before = await readdir(join(directory!, 'packages')).catch(() => []);
    const error = await unpack('no-package-has-this-name').catch((reason: unknown) => reason);

    const { code, stderr } = error as ExecFileException;
    expect(stderr).to.equal('the registry of this system has no package no-package-has-this-name\n');
    expect(code).to.equal(3);
    expect(await readdir(join(directory!, 'packages')), 'half of it').to.deep.equal(before);
  });
});
