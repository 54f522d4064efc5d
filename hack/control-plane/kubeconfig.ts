import { writeFile } from 'node:fs/promises';
import type { KeyPair } from './credentials.js';

/** How a kubeconfig's only user proves who it is. */
export type KubeconfigUser = { token: string } | KeyPair;

export interface KubeconfigOptions {
  /** `https://127.0.0.1:PORT`. */
  server: string;
  /** PEM of the authority that signed the server's certificate. */
  authority: string;
  user: KubeconfigUser;
}

/** Writes a kubeconfig with one cluster, one user and one context, readable by its owner only; returns its path. */
export async function writeKubeconfig(path: string, options: KubeconfigOptions): Promise<string> {
  const user =
    'token' in options.user
      ? { token: options.user.token }
      : {
          'client-certificate-data': base64(options.user.certificate),
          'client-key-data': base64(options.user.privateKey),
        };
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'local',
        cluster: { server: options.server, 'certificate-authority-data': base64(options.authority) },
      },
    ],
    users: [{ name: 'user', user }],
    contexts: [{ name: 'local', context: { cluster: 'local', user: 'user', namespace: 'default' } }],
    'current-context': 'local',
  };
  // JSON is YAML: every client reads it, and nothing has to be quoted.
  await writeFile(path, `${JSON.stringify(kubeconfig, null, 2)}\n`, { mode: 0o600 });
  return path;
}

function base64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
