import { execFile } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { program } from '../../../../src/cli/program.js';

async function execute(...args: string[]): Promise<{ code: number; stderr: string }> {
  const stderr = new PassThrough();
  const code = await program(args, { env: {}, stdout: new PassThrough(), stderr });
  return { code, stderr: ((stderr.read() as Buffer | null) ?? '').toString() };
}

describe('the command line of audit, plan and grant', () => {
  const refused: [string[], string][] = [
    [['audit', '-n', 'a', '-A'], '-n and -A exclude each other'],
    [['audit', '-o', 'xml'], 'table, json, csv, html'],
    [['audit', '-n', 'Team'], 'small letters'],
    [['audit', '--fail-on-denied=perhaps'], 'Write true or false'],
    [['audit', '--operator-service-account', 'weaver'], 'NAMESPACE/NAME'],
    [['audit', 'everything'], 'stray word everything'],
    [['plan'], '-f FILE'],
    [['plan', '-f', 'x.yaml', '-o', 'html'], 'table, json'],
    [['grant'], 'NAME'],
    [['grant', 'share', '-f', 'x.yaml'], 'either -f FILE or the NAME'],
    [['grant', '-f', 'x.yaml', '--operator-service-account', 'a/b/c'], 'NAMESPACE/NAME'],
  ];
  for (const [args, hint] of refused) {
    it(`refuses '${args.join(' ')}' with exit code 2 and one line`, async () => {
      const outcome = await execute(...args);

      expect(outcome.code).to.equal(2);
      expect(outcome.stderr)
        .to.match(/^config-weaver: [^\n]+\n$/)
        .and.to.contain(hint);
    });
  }

  it('ends with 1 where there is no cluster to talk to', async () => {
    const { code, stderr } = await execute('audit', '--kubeconfig', '/nonexistent/kubeconfig');

    expect(code).to.equal(1);
    expect(stderr).to.contain('/nonexistent/kubeconfig');
  });

  it('costs the operator nothing: its modules are loaded when one of them is called', async () => {
    const entry = new URL('../../../../src/cli/program.js', import.meta.url).href;
    const script = `
      const loaded = [];
      (await import('node:module')).registerHooks({
        load: (url, context, next) => (loaded.push(url), next(url, context)),
      });
      await import(${JSON.stringify(entry)});
      console.log(JSON.stringify(loaded));
    `;
    const args = ['--input-type=module', '--eval', script];

    const { stdout } = await promisify(execFile)(process.execPath, args);

    const loaded = JSON.parse(stdout) as string[];
    expect(loaded).to.include(entry);
    expect(
      loaded.filter((url) => /\/src\/(audit|controller|kube|tenancy|sync|api)\//.test(url)),
    ).to.deep.equal([]);
  });
});
