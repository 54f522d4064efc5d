import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';

import type { Clock } from '../util/clock.js';
import { type ClusterConnection, KubeconfigError } from './cluster-connection.js';
import { proxyFromEnvironment } from './proxy.js';
import { TokenFile } from './token-file.js';

/** Where the kubelet mounts a pod's ServiceAccount. */
export const SERVICE_ACCOUNT_DIRECTORY = join('/var/run', 'secrets', 'kubernetes.io', 'serviceaccount');

/**
 * The connection of the pod that this process runs in; undefined when it runs in none.
 *
 * @throws KubeconfigError when the mount is there in part only.
 */
export async function inClusterConnection(
  env: Readonly<NodeJS.ProcessEnv>,
  clock: Clock,
  directory: string = SERVICE_ACCOUNT_DIRECTORY,
): Promise<ClusterConnection | undefined> {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT || '443';
  const token = new TokenFile(join(directory, 'token'), clock);
  const hasToken = await token.read().then(
    () => true,
    () => false,
  );
  if (!host || !hasToken) {
    return undefined;
  }
  const ca = await readFile(join(directory, 'ca.crt')).catch(() => undefined);
  if (ca === undefined) {
    throw new KubeconfigError(`the pod's ServiceAccount in ${directory} has a token but no ca.crt`);
  }
  const namespace = await readFile(join(directory, 'namespace'), 'utf8').catch(() => '');
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const proxy = proxyFromEnvironment(server, env);
  return {
    server,
    namespace: namespace.trim() || 'default',
    source: "the pod's ServiceAccount",
    tls: { ca, rejectUnauthorized: true },
    ...(proxy === undefined ? {} : { proxy }),
    authorize: async () => `Bearer ${await token.read()}`,
  };
}
