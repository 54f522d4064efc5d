import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';

describe('the demo', function () {
  this.timeout(60_000);
  let temporary: string;

  beforeEach(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'cw-demo-'));
  });

  afterEach(async () => {
    await rm(temporary, { recursive: true, force: true });
  });

  function startDemo(env: NodeJS.ProcessEnv): { child: ReturnType<typeof spawn>; output: () => string } {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../hack/demo/main.js')], {
      env: { ...process.env, ...env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    return { child, output: () => output };
  }

  it('shows all of it, ends by itself with ONCE=1 and leaves nothing behind', async () => {
    const demo = startDemo({ ONCE: '1' });

    const [code] = (await once(demo.child, 'close')) as [number | null];

    expect(code, demo.output()).to.equal(0);
    expect(demo.output()).to.match(/configweaver_namespace_denied\{.*target_namespace="prod"\} 1\n/);
    expect(demo.output()).to.contain('NamespaceDenied').and.to.contain('"decision":"denied"');
    expect(demo.output()).to.match(/written \d+ ms after the edit/);
    expect(demo.output()).not.to.contain('\u001b[');
    expect(await readdir(temporary)).to.deep.equal([]);
  });

  it('stops all of it when it is interrupted half-way', async () => {
    const demo = startDemo({ ONCE: '' });
    await eventually(() => {
      expect(demo.output()).to.contain('etcd and kube-apiserver');
    });

    demo.child.kill('SIGINT');
    const [code] = (await once(demo.child, 'close')) as [number | null];

    expect(code, demo.output()).to.equal(130);
    expect(await readdir(temporary)).to.deep.equal([]);
  });
});
