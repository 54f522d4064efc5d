import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { repositoryRoot } from '../repository.js';

/** Less than all tests of a phase. */
export interface Selection {
  /** A file of tests, or a folder of such, by its path from the root of this checkout. */
  file?: string;
  /** What is in the full names of the tests, as it stands there. */
  name?: string;
}

/** @throws Error where it is no file, nor folder, of tests of this phase */
export function checkSelection({ file }: Selection, phase: string): void {
  if (file === undefined) return;
  const folder = `test/${phase}/`;
  if (!`${file}/`.startsWith(folder) || (!file.endsWith('.test.ts') && /\.\w+$/.test(file))) {
    throw new Error(`${file} is no file of ${phase} tests, nor a folder: those are ${folder}**/*.test.ts`);
  }
  if (!existsSync(join(repositoryRoot(), file))) throw new Error(`there is no ${file}`);
}

function specOf(file: string): string {
  return file.endsWith('.ts') ? `dist/${file.replace(/\.ts$/, '.js')}` : `dist/${file}/**/*.test.js`;
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
    ...(file !== undefined && { spec: [specOf(file)] }),
    ...(name !== undefined && { fgrep: name }),
    'fail-zero': true,
  };
}

export function isEverything({ file, name }: Selection): boolean {
  return file === undefined && name === undefined;
}
