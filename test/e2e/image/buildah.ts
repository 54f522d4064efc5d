import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../../hack/repository.js';
import { skip } from '../support/skip.js';
import { toolsOrSkip } from '../support/tools.js';

const run = promisify(execFile);

/** What an image says of itself. */
export interface ImageConfig {
  User: string;
  Entrypoint: string[];
  Cmd: string[];
  Env: string[];
  Labels: Record<string, string>;
}

/** A buildah that keeps everything in a folder of its own, and needs neither a daemon nor a registry. */
export class Buildah {
  /** Also a place for files that are to go with it. */
  readonly directory: string;
  readonly #binary: string;
  readonly #flags: string[];

  private constructor(binary: string, directory: string) {
    this.#binary = binary;
    this.directory = directory;
    this.#flags = [
      ...[`--root=${join(directory, 'storage')}`, `--runroot=${join(directory, 'run')}`],
      '--storage-driver=vfs',
    ];
  }

  /** One of them; skips where there is none on a machine like this one. */
  static async openOrSkip(context: Mocha.Context): Promise<Buildah> {
    if (process.platform !== 'linux' || process.getuid?.() !== 0)
      skip(context, 'needs Linux, and root to change it');
    const { buildah } = await toolsOrSkip(context, 'buildah');
    const directory = await mkdtemp(join(tmpdir(), 'config-weaver-image-'));
    // Nothing is pulled: there is nobody whose signature could be asked for.
    await writeFile(join(directory, 'policy.json'), '{"default": [{"type": "insecureAcceptAnything"}]}');
    return new Buildah(buildah, directory);
  }

  /** Makes an image of a folder's contents, as root's. */
  async imageOf(folder: string, image: string): Promise<void> {
    const container = (await this.#run('from', this.#policy, 'scratch')).trim();
    await this.#run('add', container, folder, '/');
    await this.#run('commit', this.#policy, '--rm', container, image);
  }

  /** Builds a Dockerfile of this checkout as the make targets do. */
  async build(
    dockerfile: string,
    image: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const flags = [...this.#flags, this.#policy, '--isolation=chroot', '--pull=never'];
    const script = join(repositoryRoot(), 'hack/image/build');
    const env = {
      ...process.env,
      ...environment,
      CONTAINER_TOOL: this.#binary,
      BUILD_FLAGS: [...flags, environment.BUILD_FLAGS ?? ''].join(' '),
    };
    const { stdout, stderr } = await run(script, [dockerfile, image], { env, maxBuffer: 64 * 1024 * 1024 });
    return `${stdout}${stderr}`;
  }

  async config(image: string): Promise<ImageConfig> {
    const output = await this.#run('inspect', '--type=image', image);
    return (JSON.parse(output) as { OCIv1: { config: ImageConfig } }).OCIv1.config;
  }

  /** Digest of the image's configuration, which names its layers: the same bytes have the same. */
  async id(image: string): Promise<string> {
    return (await this.#run('images', '--quiet', '--no-trunc', image)).trim();
  }

  /** Path of a new container's root. */
  async mount(image: string): Promise<string> {
    const container = (await this.#run('from', this.#policy, '--pull-never', image)).trim();
    return (await this.#run('mount', container)).trim();
  }

  async close(): Promise<void> {
    await this.#run('rm', '--all');
    await rm(this.directory, { recursive: true, force: true });
  }

  get #policy(): string {
    return `--signature-policy=${join(this.directory, 'policy.json')}`;
  }

  async #run(command: string, ...args: string[]): Promise<string> {
    const { stdout } = await run(this.#binary, [...this.#flags, command, ...args], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }
}
