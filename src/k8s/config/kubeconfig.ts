import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

import { type Clock, systemClock } from '../util/clock.js';
import { type ClusterConnection, type ClusterTls, KubeconfigError } from './cluster-connection.js';
import { CredentialPlugin } from './credential-plugin.js';
import { inClusterConnection, SERVICE_ACCOUNT_DIRECTORY } from './in-cluster.js';
import { type KubeconfigEntry, readKubeconfig } from './kubeconfig-file.js';
import { proxyFromEnvironment } from './proxy.js';
import { TokenFile } from './token-file.js';

export interface ConnectionOptions {
  /** The `--kubeconfig` flag. */
  kubeconfig?: string | undefined;
  env: Readonly<NodeJS.ProcessEnv>;
  /** The user's home directory. */
  home: string;
  clock?: Clock;
  /** Where the kubelet mounts the pod's ServiceAccount: tests say otherwise. */
  serviceAccountDirectory?: string;
}

/**
 * Finds the cluster: `--kubeconfig`, KUBECONFIG (may be a list), the pod's own ServiceAccount, `~/.kube/config`. What is
 * named explicitly is used or reported, never passed over. Client-node, which parses the files, is loaded only where there
 * is a file to parse: in a pod it would cost 60 MB for nothing.
 *
 * @throws KubeconfigError when there is none, or the one found cannot be used.
 */
export async function loadConnection(options: ConnectionOptions): Promise<ClusterConnection> {
  const { env, clock = systemClock, serviceAccountDirectory = SERVICE_ACCOUNT_DIRECTORY } = options;
  if (options.kubeconfig !== undefined && options.kubeconfig !== '') {
    return fromFiles([options.kubeconfig], '--kubeconfig', env, clock);
  }
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) {
    return fromFiles(listed, 'KUBECONFIG', env, clock);
  }
  const pod = await inClusterConnection(env, clock, serviceAccountDirectory);
  if (pod !== undefined) {
    return pod;
  }
  const homeFile = join(options.home, '.kube', 'config');
  if (existsSync(homeFile)) {
    return fromFiles([homeFile], '~/.kube/config', env, clock);
  }
  throw new KubeconfigError(
    `no cluster to talk to: there is no --kubeconfig, no KUBECONFIG, no pod's ServiceAccount in ${serviceAccountDirectory} ` +
      `and no ${homeFile}; name a kubeconfig by --kubeconfig or KUBECONFIG`,
  );
}

async function fromFiles(
  paths: readonly string[],
  asked: string,
  env: Readonly<NodeJS.ProcessEnv>,
  clock: Clock,
): Promise<ClusterConnection> {
  const entry = await readKubeconfig(paths, asked);
  const { cluster, user } = entry;
  if (!URL.canParse(cluster.server) || !/^https?:/.test(cluster.server)) {
    throw new KubeconfigError(
      `${paths.join(', ')}: the server of cluster "${cluster.name}" is no http(s) URL`,
    );
  }
  if (user.impersonateUser) {
    throw new KubeconfigError(
      `${paths.join(', ')}: user "${user.name}" impersonates "${user.impersonateUser}", which is not supported`,
    );
  }
  const server = cluster.server.replace(/\/+$/, '');
  const proxy = cluster.proxyUrl || proxyFromEnvironment(server, env);
  return {
    server,
    namespace: entry.namespace || 'default',
    source: `${asked === '--kubeconfig' || asked === 'KUBECONFIG' ? `${asked} ` : ''}${paths.join(', ')}`,
    tls: await tlsOf(entry),
    ...(proxy ? { proxy } : {}),
    authorize: authorizer(entry, clock),
  };
}

async function tlsOf({ cluster, user }: KubeconfigEntry): Promise<ClusterTls> {
  const ca = await pem(cluster.caData, cluster.caFile);
  const cert = await pem(user.certData, user.certFile);
  const key = await pem(user.keyData, user.keyFile);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(cluster.tlsServerName ? { servername: cluster.tlsServerName } : {}),
    rejectUnauthorized: !cluster.skipTLSVerify,
  };
}

/** Data wins over a file, as in client-go. */
async function pem(
  data: string | null | undefined,
  file: string | null | undefined,
): Promise<Buffer | undefined> {
  if (data) {
    return Buffer.from(data, 'base64');
  }
  if (!file) {
    return undefined;
  }
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KubeconfigError(
      `the file ${file}, which the kubeconfig names, cannot be read: ${code ?? 'unknown error'}`,
    );
  }
}

/** client-go's order: a token file, a token, a password, a plugin. */
function authorizer({ user, tokenFile }: KubeconfigEntry, clock: Clock): ClusterConnection['authorize'] {
  if (tokenFile !== undefined) {
    const file = new TokenFile(tokenFile, clock);
    return async () => `Bearer ${await file.read()}`;
  }
  if (user.token) {
    const header = `Bearer ${user.token.trim()}`;
    return () => Promise.resolve(header);
  }
  if (user.username) {
    const header = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
    return () => Promise.resolve(header);
  }
  if (user.exec || user.authProvider) {
    const plugin = new CredentialPlugin(user);
    return (signal) => plugin.authorize(signal);
  }
  return () => Promise.resolve(undefined);
}
