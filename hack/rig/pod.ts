import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How to start a program so that it finds itself in a pod. */
export interface Pod {
  /** Goes before the program and its arguments. */
  command: readonly [string, ...string[]];
  env: Readonly<Record<string, string>>;
}

/** In a mount namespace of its own, /run is empty but for the ServiceAccount; then it becomes the program. */
const ENTER = `mount -t tmpfs tmpfs /run &&
  mkdir -p /run/secrets/kubernetes.io &&
  ln -s "$1" /run/secrets/kubernetes.io/serviceaccount &&
  shift && exec "$@"`;

const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

interface Kubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  users: [{ user: { token: string } }];
}

/**
 * What a pod finds in its file system and environment, made from a kubeconfig with a token. Programs cost less there:
 * they need nothing that reads kubeconfigs.
 * @returns undefined where this machine has no mount namespaces for us; on Linux with util-linux it mostly does
 */
export async function pod(kubeconfig: string, namespace: string, dir: string): Promise<Pod | undefined> {
  const folder = join(dir, 'pod-service-account');
  const { clusters, users } = JSON.parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig;
  const [{ cluster }] = clusters;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = Buffer.from(cluster['certificate-authority-data'], 'base64');
  await Promise.all([
    writeFile(join(folder, 'token'), users[0].user.token, { mode: 0o600 }),
    writeFile(join(folder, 'ca.crt'), authority),
    writeFile(join(folder, 'namespace'), namespace),
  ]);
  const command = ['unshare', '--map-root-user', '--mount', 'sh', '-c', ENTER, 'sh', folder] as const;
  const [program, ...args] = command;
  const attempt = spawnSync(program, [...args, 'test', '-e', `${SERVICE_ACCOUNT_FOLDER}/token`]);
  if (attempt.status !== 0) return undefined;
  const { hostname, port } = new URL(cluster.server);
  return { command, env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port } };
}
