import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { delimiter, join } from 'node:path';

import { type Clock, systemClock } from '../util/clock.js';
import { type ClusterConnection, KubeconfigError } from './cluster-connection.js';
import { proxyFromEnvironment } from './proxy.js';
import { tlsReader } from './tls-files.js';
import { TokenFile } from './token-file.js';

const SERVICE_ACCOUNT_DIRECTORY = join('/var/run', 'secrets', 'kubernetes.io', 'serviceaccount');

export interface ConnectionOptions {
  kubeconfig?: string | undefined;
  env: Readonly<NodeJS.ProcessEnv>;
  home: string;
  clock?: Clock;
  /** Where the kubelet mounts the pod's ServiceAccount: tests say otherwise. */
  serviceAccountDirectory?: string;
}

/**
 * Finds the cluster: `--kubeconfig`, KUBECONFIG (may be a list), the pod's own ServiceAccount, `~/.kube/config`. What is
 * named explicitly is used or reported, never passed over.
 * @throws KubeconfigError when there is none, or the one found cannot be used.
 */
export async function loadConnection(options: ConnectionOptions): Promise<ClusterConnection> {
  const { env, clock = systemClock, serviceAccountDirectory = SERVICE_ACCOUNT_DIRECTORY } = options;
  // client-node and a YAML parser, 60 MB of memory, are loaded only where there is a file to read: in a pod there is none.
  const fromFiles = async (paths: readonly string[], asked: string): Promise<ClusterConnection> =>
    (await import('./kubeconfig-file.js')).connectionFromFiles(paths, asked, env, clock);
  if (options.kubeconfig) return fromFiles([options.kubeconfig], '--kubeconfig');
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) return fromFiles(listed, 'KUBECONFIG');
  const pod = await inClusterConnection(env, clock, serviceAccountDirectory);
  if (pod !== undefined) return pod;
  const homeFile = join(options.home, '.kube', 'config');
  if (existsSync(homeFile)) return fromFiles([homeFile], '~/.kube/config');
  throw new KubeconfigError(
    `no cluster to talk to: there is no --kubeconfig, no KUBECONFIG, no pod's ServiceAccount in ${serviceAccountDirectory} ` +
      `and no ${homeFile}; name a kubeconfig by --kubeconfig or KUBECONFIG`,
  );
}

/** The connection of the pod around this process; undefined where there is none. Throws when only a part of the mount is there. */
async function inClusterConnection(
  env: Readonly<NodeJS.ProcessEnv>,
  clock: Clock,
  directory: string,
): Promise<ClusterConnection | undefined> {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT || '443';
  const token = new TokenFile(join(directory, 'token'), clock);
  const firstToken = await token.read().catch(() => undefined);
  if (!host || firstToken === undefined) return undefined;
  const caFile = join(directory, 'ca.crt');
  const ca = await readFile(caFile).catch(() => undefined);
  if (ca === undefined) {
    throw new KubeconfigError(`the pod's ServiceAccount in ${directory} has a token but no ca.crt`);
  }
  const tls = { ca, rejectUnauthorized: true };
  const namespace = await readFile(join(directory, 'namespace'), 'utf8').catch(() => '');
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return {
    server,
    namespace: namespace.trim() || 'default',
    source: "the pod's ServiceAccount",
    tls,
    readTls: tlsReader(tls, { ca: caFile, cert: undefined, key: undefined }),
    proxy: proxyFromEnvironment(server, env),
    authorize: () => token.authorize(),
    renew: (rejected) => token.renew(rejected),
  };
}
