import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitUntil } from '../../../hack/control-plane/poll.js';
import type { ImageConfig } from './buildah.js';

const run = promisify(execFile);

/** Where the kubelet mounts a pod's ServiceAccount. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const READY_MS = 30_000;

/**
 * In a mount namespace of its own: the container's root read-only, with proc and the ServiceAccount's files put in, and
 * then the program in it, as the user and in the place of this shell.
 */
const SCRIPT = `
set -e
root=$1 account=$2 user=$3
shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind "$account" "$root${SERVICE_ACCOUNT}"
mount --rbind /proc "$root/proc"
mount -o remount,bind,ro "$root"
mount -o remount,bind,ro "$root${SERVICE_ACCOUNT}"
exec chroot --userspec="$user" "$root" "$@"
`;

export interface ImageProcessOptions {
  /** The container's root, which nobody else uses. */
  root: string;
  image: ImageConfig;
  /** Folder with token, ca.crt and namespace, readable for the image's user. */
  serviceAccount: string;
  /** In place of the image's Cmd. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** What a container runtime makes of an image and a pod's security context: its user, its entry point, a read-only root. */
export class ImageProcess {
  /** From the start until it reconciles. */
  readonly readyMilliseconds: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, exited: Promise<unknown>, readyMilliseconds: number) {
    this.#child = child;
    this.#exited = exited;
    this.readyMilliseconds = readyMilliseconds;
  }

  /** Resolves when the operator reconciles; @throws Error with its log when it ends, or takes half a minute. */
  static async start(options: ImageProcessOptions): Promise<ImageProcess> {
    const since = performance.now();
    const child = spawn('unshare', await commandLine(options), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environment(options),
    });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    const exited = once(child, 'close');
    try {
      await waitUntil(() => Promise.resolve(log.includes('"message":"reconciling"')), {
        what: `the image's program to reconcile; it said ${log}`,
        timeoutMilliseconds: READY_MS,
        giveUp: () => Promise.resolve(child.exitCode === null ? undefined : `it ended: ${log}`),
      });
      return new ImageProcess(child, exited, performance.now() - since);
    } catch (error) {
      child.kill('SIGKILL');
      await exited;
      throw error;
    }
  }

  /** Runs something else in the same surroundings to its end; what it printed. */
  static async output(options: ImageProcessOptions): Promise<string> {
    const { stdout } = await run('unshare', await commandLine(options), { env: environment(options) });
    return stdout.trim();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    await this.#exited;
    return this.#child.exitCode;
  }
}

async function commandLine({ root, image, serviceAccount, args }: ImageProcessOptions): Promise<string[]> {
  // The places to mount on, which a runtime makes as well.
  await mkdir(join(root, SERVICE_ACCOUNT), { recursive: true });
  const program = [...image.Entrypoint, ...(args ?? image.Cmd)];
  return ['--mount', 'sh', '-c', SCRIPT, 'sh', root, serviceAccount, image.User, ...program];
}

/** Nothing of this process's own but what finds unshare and chroot: the program sees the image's. */
function environment({ image, env = {} }: ImageProcessOptions): NodeJS.ProcessEnv {
  const own = image.Env.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return { ...(Object.fromEntries(own) as Record<string, string>), PATH: process.env.PATH, ...env };
}
