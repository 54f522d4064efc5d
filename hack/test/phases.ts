import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlPlaneAssets } from '../control-plane/assets.js';
import { repositoryRoot } from '../repository.js';
import { findTools, TOOLS } from '../tools/tools.js';
import { checkAdvisories } from './advisories.js';
import { checked, type Outcome } from './outcome.js';
import { isEverything, narrow, type Selection } from './selection.js';
import type { Summary } from './summary-reporter.js';

/** One thing that the project checks of itself. */
export interface Phase {
  name: string;
  /** Whether it runs tests, among which can be selected. */
  tests?: true;
  run(selection: Selection): Promise<Outcome>;
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
  { name: 'advisories', run: () => checkAdvisories(root) },
  { name: 'unit', tests: true, run: unit },
  { name: 'integration', tests: true, run: integration },
  { name: 'e2e', tests: true, run: endToEnd },
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

/** A few tests are no measure of what is covered. */
function unit(selection: Selection): Promise<Outcome> {
  return mocha(isEverything(selection) ? ['c8', 'mocha'] : ['mocha'], '.mocharc.json', selection);
}

// Before mocha starts: getting binaries may take minutes, which no test should be waiting for.
async function integration(selection: Selection): Promise<Outcome> {
  return (await hasControlPlane())
    ? mocha(['mocha'], '.mocharc.integration.json', selection)
    : checked(false);
}

async function endToEnd(selection: Selection): Promise<Outcome> {
  if (!(await hasControlPlane())) return checked(false);
  // Each for itself, and without a word of what is missing: the tests that need it tell.
  if (isEverything(selection)) for (const tool of TOOLS) await findTools(tool).catch(() => undefined);
  return mocha(['mocha'], '.mocharc.e2e.json', selection);
}

async function hasControlPlane(): Promise<boolean> {
  if (process.env.USE_EXISTING_CLUSTER === 'true') return true;
  try {
    await controlPlaneAssets();
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return false;
  }
}

/** Runs mocha to its end and reads its counts; a run that ends without counts, or fails beside them, counts as one failure. */
async function mocha(command: [string, ...string[]], config: string, selection: Selection): Promise<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'config-weaver-tests-'));
  try {
    const output = join(directory, 'stats.json');
    const [program, ...args] = command;
    if (!isEverything(selection)) {
      const all = JSON.parse(await readFile(join(root, config), 'utf8')) as Record<string, unknown>;
      config = join(directory, 'mocharc.json');
      await writeFile(config, JSON.stringify(narrow(all, selection)));
    }
    const reporter = [
      '--reporter',
      './dist/hack/test/summary-reporter.js',
      '--reporter-option',
      `output=${output}`,
    ];
    const success = await succeeds(program, ...args, '--config', config, ...reporter);
    if (!existsSync(output)) return checked(false);
    const { stats, failures } = JSON.parse(await readFile(output, 'utf8')) as Summary;
    const failed = stats.failures > 0 ? stats.failures : checked(success).failed;
    return { passed: stats.passes, failed, skipped: stats.pending, failures };
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
