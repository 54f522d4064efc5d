import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { repositoryRoot } from '../repository.js';

/** Less than all tests of a phase. */
export interface Selection {
  /** A file of tests, by its path from the root of this checkout. */
  file?: string;
  /** What is in the full names of the tests, as it stands there. */
  name?: string;
}

/** @throws Error where the file is none of tests of this phase */
export function checkSelection({ file }: Selection, phase: string): void {
  if (file === undefined) return;
  const folder = `test/${phase}/`;
  if (!file.startsWith(folder) || !file.endsWith('.test.ts')) {
    throw new Error(`${file} is no file of ${phase} tests: those are ${folder}**/*.test.ts`);
  }
  if (!existsSync(join(repositoryRoot(), file))) throw new Error(`there is no ${file}`);
}

/** @param file as somebody named it in this directory */
export function fromRoot(file: string): string {
  return relative(repositoryRoot(), resolve(file));
}

/** A configuration of mocha for the selected tests only; a selection of none fails. */
export function narrow(config: Readonly<Record<string, unknown>>, selection: Selection): object {
  const { file, name } = selection;
  return {
    ...config,
    ...(file !== undefined && { spec: [`dist/${file.replace(/\.ts$/, '.js')}`] }),
    ...(name !== undefined && { fgrep: name }),
    'fail-zero': true,
  };
}

export function isEverything({ file, name }: Selection): boolean {
  return file === undefined && name === undefined;
}
