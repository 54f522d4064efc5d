import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlPlaneAssets } from '../control-plane/assets.js';
import { repositoryRoot } from '../repository.js';
import { checked, type Outcome } from './outcome.js';

/** One thing that the project checks of itself. */
export interface Phase {
  name: string;
  run(): Promise<Outcome>;
}

const root = repositoryRoot();

/** In the order of what fails fastest. */
export const PHASES: readonly Phase[] = [
  { name: 'manifests', run: checkManifests },
  { name: 'eslint', run: async () => checked(await succeeds('eslint', '.')) },
  {
    name: 'prettier',
    run: async () => checked(await succeeds('prettier', '--check', '--log-level=warn', '.')),
  },
  { name: 'knip', run: async () => checked(await succeeds('knip')) },
  { name: 'unit', run: () => mocha(['c8', 'mocha'], ['--config', '.mocharc.json']) },
  { name: 'integration', run: () => mochaWithControlPlane('.mocharc.integration.json') },
  { name: 'e2e', run: () => mochaWithControlPlane('.mocharc.e2e.json') },
];

/** Fails where the committed CRD is not what the models say. */
async function checkManifests(): Promise<Outcome> {
  const generator = join(root, 'dist/hack/generate-crd.js');
  if (!existsSync(generator)) return checked(true);
  const directory = join(root, 'config/crd');
  const before = await contents(directory);
  if (!(await succeeds(process.execPath, generator))) return checked(false);
  const changed = changedFiles(before, await contents(directory));
  for (const file of changed) {
    console.error(`config/crd/${file} was not what the models say: it is now. Commit it ("make manifests")`);
  }
  return checked(changed.length === 0);
}

async function mochaWithControlPlane(config: string): Promise<Outcome> {
  // Before mocha starts: getting the binaries may take minutes, which no test should be waiting for.
  if (process.env.USE_EXISTING_CLUSTER !== 'true') {
    try {
      await controlPlaneAssets();
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      return checked(false);
    }
  }
  return mocha(['mocha'], ['--config', config]);
}

/** Runs mocha to its end and reads its counts; a run that ends without counts, or fails beside them, counts as one failure. */
async function mocha(command: [string, ...string[]], args: string[]): Promise<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'config-weaver-tests-'));
  try {
    const output = join(directory, 'stats.json');
    const [program, ...rest] = command;
    const reporter = [
      '--reporter',
      './dist/hack/test/summary-reporter.js',
      '--reporter-option',
      `output=${output}`,
    ];
    const success = await succeeds(program, ...rest, ...args, ...reporter);
    if (!existsSync(output)) return checked(false);
    const stats = JSON.parse(await readFile(output, 'utf8')) as Mocha.Stats;
    const failed = stats.failures > 0 ? stats.failures : checked(success).failed;
    return { passed: stats.passes, failed, skipped: stats.pending };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Whether the program, found among this checkout's tools or on PATH, ends with exit code 0. Its output is ours. */
function succeeds(program: string, ...args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit' });
    child.once('error', (error) => {
      console.error(`${program}: ${error.message}`);
      resolve(false);
    });
    child.once('close', (code) => resolve(code === 0));
  });
}

async function contents(directory: string): Promise<Map<string, string>> {
  if (!existsSync(directory)) return new Map();
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    await Promise.all(
      files.map(async (file): Promise<[string, string]> => {
        const path = join(file.parentPath, file.name);
        return [path.slice(directory.length + 1), await readFile(path, 'utf8')];
      }),
    ),
  );
}

function changedFiles(before: Map<string, string>, after: Map<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort();
}
