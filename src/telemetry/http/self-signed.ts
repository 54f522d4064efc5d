import { hostname } from 'node:os';
import { generate } from 'selfsigned';
import type { KeyPair } from './serving-certificate.js';

/** Nobody can check such a certificate anyway; it must only outlast the process. */
const SELF_SIGNED_DAYS = 3650;

/** A certificate for this process alone, whose key is never on disk. Its clients have to skip verification. */
export async function selfSignedKeyPair(now: number): Promise<KeyPair> {
  const name = hostname();
  const made = await generate([{ name: 'commonName', value: name }], {
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
