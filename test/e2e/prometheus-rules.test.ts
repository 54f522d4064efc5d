import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { repositoryRoot } from '../../hack/repository.js';
import { ruleFile, shippedRules } from '../support/alerting-rules.js';
import { runPromtool, toolsOrSkip } from './support/tools.js';

describe('the alerting rules, as Prometheus evaluates them', () => {
  let promtool: string;
  let directory: string | undefined;

  before(async function () {
    this.timeout(120_000); // where they have to be fetched
    ({ promtool } = await toolsOrSkip(this, 'promtool'));
    directory = await mkdtemp(join(tmpdir(), 'config-weaver-rules-'));
    await writeFile(join(directory, 'rules.yaml'), ruleFile(await shippedRules()));
  });
  after(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  it('have no mistake that promtool finds', async () => {
    const args = ['check', 'rules', '--lint=all', '--lint-fatal', 'rules.yaml'];

    const { code, output } = await runPromtool(promtool, args, { directory: directory! });

    expect(code, output).to.equal(0);
  });

  it('fire, stay silent and end as config/prometheus/tests says', async () => {
    const source = join(repositoryRoot(), 'config/prometheus/tests');
    const files = await readdir(source);
    for (const file of files) await copyFile(join(source, file), join(directory!, file));

    const { code, output } = await runPromtool(promtool, ['test', 'rules', ...files], {
      directory: directory!,
    });

    expect(code, output).to.equal(0);
  });
});
