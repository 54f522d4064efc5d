import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../../hack/repository.js';
import { skip } from '../support/skip.js';

const run = promisify(execFile);

/** Where the Operator Lifecycle Manager's own programs are, and what installs them in a cluster. */
export interface OlmTools {
  /** Folder of olm, catalog and opm; operator-sdk and bundle-lint may be there too. */
  bin: string;
  /** Folder of OLM's CustomResourceDefinitions. */
  crds: string;
}

/**
 * The tools, or why there are none. First hit wins: OLM_BIN (with OLM_CRDS, or a folder `crds` in it), then a folder
 * ../shared/olm beside this checkout whose program `unpack` prints the one with the binaries.
 */
export async function findOlmTools(): Promise<OlmTools | string> {
  const beside = join(repositoryRoot(), '..', 'shared', 'olm');
  const unpack = join(beside, 'unpack');
  let bin = process.env.OLM_BIN;
  if (bin === undefined || bin === '') {
    if (!existsSync(unpack)) return 'needs the binaries of OLM: set OLM_BIN to the folder that holds them';
    bin = (await run(unpack)).stdout.trim();
  }
  const crds = [process.env.OLM_CRDS, join(bin, 'crds'), join(beside, 'olm', 'crds')].find(
    (folder) => folder !== undefined && folder !== '' && existsSync(folder),
  );
  if (crds === undefined) return "needs OLM's CRDs: set OLM_CRDS to the folder that holds them";
  const missing = ['olm', 'catalog', 'opm'].filter((name) => !existsSync(join(bin, name)));
  return missing.length === 0 ? { bin, crds } : `needs ${missing.join(', ')} in ${bin}`;
}

/** The tools; skips where there are none: no package registry has them. */
export async function olmToolsOrSkip(context: Mocha.Context): Promise<OlmTools> {
  const found = await findOlmTools();
  if (typeof found !== 'string') return found;
  skip(context, found);
}

/** Runs one of OLM's command line tools to its end; both streams, also where it fails. */
export async function runTool(
  binary: string,
  args: readonly string[],
): Promise<{ ok: boolean; output: string }> {
  const options = { cwd: repositoryRoot(), maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout, stderr } = await run(binary, args, options);
    return { ok: true, output: `${stdout}${stderr}` };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return { ok: false, output: `${stdout}${stderr}` };
  }
}
