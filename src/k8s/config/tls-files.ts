import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

import type { ClusterTls } from './cluster-connection.js';

/** Paths of what may be replaced while this process runs; undefined where it is no file. */
export type TlsFiles = Record<'ca' | 'cert' | 'key', string | undefined>;

/** Reads `tls` again with what its files hold now; undefined while one is missing or half written, or key and certificate differ. */
export function tlsReader(
  tls: ClusterTls,
  files: TlsFiles,
): (() => Promise<ClusterTls | undefined>) | undefined {
  const { ca, cert, key } = files;
  if ((ca ?? cert ?? key) === undefined) return undefined;
  const read = async (file: string | undefined, known: Buffer | undefined): Promise<Buffer | undefined> =>
    file === undefined ? known : readFile(file);
  return async () => {
    try {
      const found = {
        ca: await read(ca, tls.ca),
        cert: await read(cert, tls.cert),
        key: await read(key, tls.key),
      };
      createSecureContext(found);
      return { ...tls, ...found };
    } catch {
      return undefined;
    }
  };
}
