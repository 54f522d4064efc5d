import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../../k8s/util/clock.js';
import { messageOf } from '../../k8s/util/text.js';
import type { RuntimeLog } from '../../k8s/util/cause-log.js';

/** PEM texts of a certificate (with its chain) and its private key. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** There is no certificate to start with. The message is one line that names the flag and the file. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/** Often enough for a certificate that is renewed days before it ends. */
const POLL_INTERVAL_MS = 10_000;

/** tls.crt and tls.key in a folder, as a Secret of type kubernetes.io/tls is mounted. */
export class CertificateFiles {
  readonly #options: { folder: string; clock: Clock; logger: RuntimeLog };

  constructor(options: { folder: string; clock: Clock; logger: RuntimeLog }) {
    this.#options = options;
  }

  /** @throws CertificateError when a file is missing or the two do not make a pair */
  async read(): Promise<KeyPair> {
    const pair = { cert: await this.#readFile('tls.crt'), key: await this.#readFile('tls.key') };
    try {
      createSecureContext(pair);
    } catch (error) {
      throw new CertificateError(
        `--metrics-cert-path ${this.#options.folder}: tls.crt and tls.key are no certificate and its key (${messageOf(error)})`,
        { cause: error },
      );
    }
    return pair;
  }

  /**
   * Calls `replace` whenever the files hold another pair than before, until `signal` aborts. It looks every 10 s:
   * the kubelet swaps a symbolic link, which file events do not tell of everywhere. A pair that is half written or
   * broken is reported once and left aside. Never rejects.
   */
  async watch(current: KeyPair, replace: (pair: KeyPair) => void, signal: AbortSignal): Promise<void> {
    let known = current;
    let reported = '';
    for (;;) {
      await this.#options.clock.sleep(POLL_INTERVAL_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const pair = await this.read();
        reported = '';
        if (pair.cert === known.cert && pair.key === known.key) continue;
        replace(pair);
        known = pair;
        this.#options.logger.info('metrics certificate reloaded', { folder: this.#options.folder });
      } catch (error) {
        const message = messageOf(error);
        if (message !== reported)
          this.#options.logger.warn('metrics certificate kept: the new one is unusable', { error });
        reported = message;
      }
    }
  }

  async #readFile(name: string): Promise<string> {
    try {
      return await readFile(join(this.#options.folder, name), 'utf8');
    } catch (error) {
      const why =
        (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is none' : (error as Error).message;
      throw new CertificateError(`--metrics-cert-path ${this.#options.folder}: cannot read ${name}: ${why}`, {
        cause: error,
      });
    }
  }
}
