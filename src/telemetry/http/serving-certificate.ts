import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
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

/**
 * Reads tls.crt and tls.key in a folder, as a Secret of type kubernetes.io/tls is mounted.
 * @throws CertificateError when a file is missing or the two do not make a pair
 */
export async function readKeyPair(folder: string): Promise<KeyPair> {
  const pair = { cert: await readPem(folder, 'tls.crt'), key: await readPem(folder, 'tls.key') };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new CertificateError(
      `--metrics-cert-path ${folder}: tls.crt and tls.key are no certificate and its key (${messageOf(error)})`,
      { cause: error },
    );
  }
  return pair;
}

async function readPem(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is none' : message;
    throw new CertificateError(`--metrics-cert-path ${folder}: cannot read ${name}: ${why}`, {
      cause: error,
    });
  }
}

/**
 * Calls `replace` whenever the folder holds another pair than before, until `signal` aborts. It looks every 10 s:
 * the kubelet swaps a symbolic link, which file events do not tell of everywhere. A pair that is half written or
 * broken is reported once and left aside. Never rejects.
 */
export async function watchKeyPair(
  current: KeyPair,
  replace: (pair: KeyPair) => void,
  { folder, clock, log, signal }: { folder: string; clock: Clock; log: RuntimeLog; signal: AbortSignal },
): Promise<void> {
  let known = current;
  let reported = '';
  for (;;) {
    await clock.sleep(POLL_INTERVAL_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const pair = await readKeyPair(folder);
      reported = '';
      if (pair.cert === known.cert && pair.key === known.key) continue;
      replace(pair);
      known = pair;
      log.info('metrics certificate reloaded', { folder });
    } catch (error) {
      const message = messageOf(error);
      if (message !== reported) log.warn('metrics certificate kept: the new one is unusable', { error });
      reported = message;
    }
  }
}

/** Nobody can check such a certificate anyway; it must only outlast the process. */
const SELF_SIGNED_DAYS = 3650;

/** A certificate for this process alone, whose key is never on disk. Its clients have to skip verification. */
export async function selfSignedKeyPair(now: number): Promise<KeyPair> {
  // Its ASN.1 library is large, and a mounted certificate needs none. Bundled, it has a default export only.
  const { default: selfsigned } = await import('selfsigned');
  const name = hostname();
  const made = await selfsigned.generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - 3_600_000), // for clients whose clocks are behind
    notAfterDate: new Date(now + SELF_SIGNED_DAYS * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 2, value: name },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}
