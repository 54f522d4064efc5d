import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * What a distroless image has, as far as the program needs it: Node.js at the same place and the libraries that it names.
 * Everything comes from this machine.
 */
export async function layOutRuntimeBase(folder: string): Promise<void> {
  await layOutProgram(folder, process.execPath, '/nodejs/bin/node');
  await mkdir(join(folder, 'etc'), { recursive: true });
  await writeFile(join(folder, 'etc/passwd'), 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n');
  for (const empty of ['tmp', 'proc', 'dev', 'sys', 'home/nonroot']) {
    await mkdir(join(folder, empty), { recursive: true });
  }
}

/** The same with npm and what it takes to run a command: sh and env. */
export async function layOutBuildBase(folder: string): Promise<void> {
  await layOutProgram(folder, process.execPath, '/usr/local/bin/node');
  for (const program of ['/bin/sh', '/usr/bin/env']) {
    await layOutProgram(folder, program, program);
  }
  const { stdout } = await run('sh', ['-c', 'command -v npm']);
  const npm = dirname(dirname(await realpath(stdout.trim())));
  await cp(npm, join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, 'usr/local/bin', name));
  }
  for (const empty of ['tmp', 'proc', 'dev', 'sys', 'root', 'etc']) {
    await mkdir(join(folder, empty), { recursive: true });
  }
  await writeFile(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await configureNpm(folder);
}

/** As npm is on this machine: from the same registry, and trusting whoever stands between it and us. */
async function configureNpm(folder: string): Promise<void> {
  const setting = async (name: string): Promise<string> =>
    (await run('npm', ['config', 'get', name])).stdout.trim().replace(/^null$/, '');
  const lines = [`registry=${await setting('registry')}`, 'cache=/root/.npm', 'update-notifier=false'];
  const authorities = process.env.NODE_EXTRA_CA_CERTS || (await setting('cafile'));
  if (authorities !== '') {
    await place(folder, authorities, '/etc/ssl/authorities.pem');
    lines.push('cafile=/etc/ssl/authorities.pem');
  }
  await mkdir(join(folder, 'usr/local/etc'), { recursive: true });
  await writeFile(join(folder, 'usr/local/etc/npmrc'), `${lines.join('\n')}\n`);
}

/** A program of this machine at another place, with its libraries under the names by which the loader looks for them. */
export async function layOutProgram(folder: string, from: string, to: string): Promise<void> {
  await place(folder, from, to);
  // ldd fails for a program that needs none.
  const { stdout } = await run('ldd', [from]).catch(() => ({ stdout: '' }));
  for (const [path] of stdout.matchAll(/\/\S+/g)) await place(folder, path, path);
}

async function place(folder: string, from: string, to: string): Promise<void> {
  await mkdir(dirname(join(folder, to)), { recursive: true });
  await copyFile(await realpath(from), join(folder, to));
}
