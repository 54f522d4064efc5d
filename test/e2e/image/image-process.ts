import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RunningOperator } from '../../support/operator.js';
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
  readonly #operator: RunningOperator;

  private constructor(
    operator: RunningOperator,
    /** From the start until it reconciles. */
    readonly readyMilliseconds: number,
  ) {
    this.#operator = operator;
  }

  /** Resolves when the operator reconciles; @throws Error with its log when it ends, or takes half a minute. */
  static async start(options: ImageProcessOptions): Promise<ImageProcess> {
    const since = performance.now();
    const command = ['unshare', ...(await commandLine(options))];
    const operator = new RunningOperator({ command, env: environment(options) });
    await operator.after(operator.waitFor('reconciling', READY_MS));
    return new ImageProcess(operator, performance.now() - since);
  }

  /** Runs something else in the same surroundings to its end; what it printed. */
  static async output(options: ImageProcessOptions): Promise<string> {
    const env = { PATH: process.env.PATH, ...environment(options) };
    const { stdout } = await run('unshare', await commandLine(options), { env });
    return stdout.trim();
  }

  get pid(): number {
    return this.#operator.pid;
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    return (await this.#operator.stop()).code;
  }
}

async function commandLine({ root, image, serviceAccount, args }: ImageProcessOptions): Promise<string[]> {
  // The places to mount on, which a runtime makes as well.
  await mkdir(join(root, SERVICE_ACCOUNT), { recursive: true });
  const program = [...image.Entrypoint, ...(args ?? image.Cmd)];
  return ['--mount', 'sh', '-c', SCRIPT, 'sh', root, serviceAccount, image.User, ...program];
}

/** What the program sees, but for the PATH that finds unshare and chroot. */
function environment({ image, env = {} }: ImageProcessOptions): Record<string, string> {
  const own = image.Env.filter((line) => !line.startsWith('PATH=')).map((line) => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)];
  });
  return { ...(Object.fromEntries(own) as Record<string, string>), ...env };
}
