import { readFile } from 'node:fs/promises';

import type { Clock } from '../util/clock.js';
import { KubeconfigError } from './cluster-connection.js';

/** client-go's period too: a kubelet replaces the token at 80 % of its life, long before it expires. */
const REREAD_AFTER_MS = 60_000;
/** How often at most it is read because the API server rejects the token. */
const RENEW_AFTER_MS = 1_000;

/** A token that somebody else keeps fresh in a file, as the kubelet does for a pod's ServiceAccount. */
export class TokenFile {
  readonly #path: string;
  readonly #clock: Clock;
  #token = '';
  #readAt = -Infinity;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** The `Authorization` header of {@link read}. */
  async authorize(): Promise<string> {
    return `Bearer ${await this.read()}`;
  }

  /** The API server takes `rejected` no longer. True where the file has another token by now. */
  async renew(rejected: string | undefined): Promise<boolean> {
    if (this.#clock.now() - this.#readAt >= RENEW_AFTER_MS) this.#readAt = -Infinity;
    return (await this.authorize()) !== rejected;
  }

  /**
   * The token as it was at most a minute ago. When the file cannot be read for a while the last token is tried on.
   * @throws KubeconfigError when there has never been one.
   */
  async read(): Promise<string> {
    if (this.#clock.now() - this.#readAt < REREAD_AFTER_MS) return this.#token;
    const text = await readFile(this.#path, 'utf8').catch(() => '');
    // A kubelet's replacement is atomic; an empty file is somebody else's half-written one.
    if (text.trim() !== '') {
      this.#token = text.trim();
      this.#readAt = this.#clock.now();
    }
    if (this.#token === '') {
      throw new KubeconfigError(`the token file ${this.#path} is missing, empty or unreadable`);
    }
    return this.#token;
  }
}
