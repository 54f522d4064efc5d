import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyPair } from './credentials.js';
import type { Kubectl } from './kubectl.js';

export interface KubeconfigOptions {
  /** `https://127.0.0.1:PORT`. */
  server: string;
  /** PEM of the authority that signed the server's certificate. */
  authority: string;
  user: KeyPair;
}

/** Writes a kubeconfig with one cluster, one user and one context, readable by its owner only; returns its path. */
export async function writeKubeconfig(path: string, options: KubeconfigOptions): Promise<string> {
  const user = {
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

/**
 * Writes a kubeconfig for the same server into the directory, that acts under exactly the rights of that ServiceAccount,
 * with a token that is valid for a day, which is longer than any run.
 * @returns its path
 */
export async function serviceAccountKubeconfig(
  kubectl: Kubectl,
  directory: string,
  namespace: string,
  name: string,
): Promise<string> {
  const [token, view] = await Promise.all([
    kubectl(['create', 'token', name, '-n', namespace, '--duration=24h']),
    kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']),
  ]);
  const kubeconfig = JSON.parse(view) as { users: { name: string; user: object }[] };
  for (const entry of kubeconfig.users) entry.user = { token: token.trim() };
  const path = join(directory, `${namespace}.${name}.kubeconfig`);
  await writeFile(path, JSON.stringify(kubeconfig), { mode: 0o600 });
  return path;
}

function base64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
