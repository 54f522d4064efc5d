import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { KubeConfig, type User } from '@kubernetes/client-node';
import { parseDocument } from 'yaml';

import type { Clock } from '../util/clock.js';
import { type ClusterConnection, KubeconfigError } from './cluster-connection.js';
import { CredentialPlugin } from './credential-plugin.js';
import { proxyFromEnvironment } from './proxy.js';
import { tlsReader } from './tls-files.js';
import { TokenFile } from './token-file.js';

/** What the current context of one or more kubeconfig files comes to. File names in it are absolute. */
type KubeconfigEntry = Awaited<ReturnType<typeof readKubeconfig>>;

interface RawKubeconfig {
  users?: { name?: string; user?: { tokenFile?: string } | null }[] | null;
}

/**
 * How to reach the cluster of the current context, and as whom. `asked` names in errors what named the files.
 * @throws KubeconfigError when the files cannot be used.
 */
export async function connectionFromFiles(
  paths: readonly string[],
  asked: string,
  env: Readonly<NodeJS.ProcessEnv>,
  clock: Clock,
): Promise<ClusterConnection> {
  const where = paths.join(', ');
  const entry = await readKubeconfig(paths, asked);
  const { cluster, user } = entry;
  if (!URL.canParse(cluster.server) || !/^https?:/.test(cluster.server)) {
    throw new KubeconfigError(`${where}: the server of cluster "${cluster.name}" is no http(s) URL`);
  }
  if (user.impersonateUser) {
    throw new KubeconfigError(
      `${where}: user "${user.name}" impersonates "${user.impersonateUser}", which is not supported`,
    );
  }
  const tls = {
    ca: await pem(cluster.caData, cluster.caFile),
    cert: await pem(user.certData, user.certFile),
    key: await pem(user.keyData, user.keyFile),
    servername: cluster.tlsServerName || undefined,
    rejectUnauthorized: !cluster.skipTLSVerify,
  };
  const files = {
    ca: cluster.caData ? undefined : cluster.caFile,
    cert: user.certData ? undefined : user.certFile,
    key: user.keyData ? undefined : user.keyFile,
  };
  const server = cluster.server.replace(/(?<!\/)\/+$/, '');
  return {
    server,
    namespace: entry.namespace || 'default',
    source: asked === '--kubeconfig' || asked === 'KUBECONFIG' ? `${asked} ${where}` : where,
    tls,
    readTls: tlsReader(tls, files),
    proxy: cluster.proxyUrl || proxyFromEnvironment(server, env),
    ...credential(entry, clock),
  };
}

/** Data wins over a file, as in client-go. */
async function pem(data: string | null | undefined, file: string | undefined): Promise<Buffer | undefined> {
  if (data) return Buffer.from(data, 'base64');
  if (!file) return undefined;
  return readFile(file).catch((error: unknown) => {
    const why = codeOf(error);
    throw new KubeconfigError(`the file ${file}, which the kubeconfig names, cannot be read: ${why}`);
  });
}

/** client-go's order: a token file, a token, a password, a plugin. */
function credential(
  { user, tokenFile }: KubeconfigEntry,
  clock: Clock,
): Pick<ClusterConnection, 'authorize' | 'renew'> {
  const renewed = (source: TokenFile | CredentialPlugin): Pick<ClusterConnection, 'authorize' | 'renew'> => ({
    authorize: (signal) => source.authorize(signal),
    renew: (rejected, signal) => source.renew(rejected, signal),
  });
  if (tokenFile !== undefined) return renewed(new TokenFile(tokenFile, clock));
  let header: string | undefined;
  if (user.token) {
    header = `Bearer ${user.token.trim()}`;
  } else if (user.username) {
    header = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
  } else if (user.exec || user.authProvider) {
    return renewed(new CredentialPlugin(user, clock));
  }
  return { authorize: () => Promise.resolve(header) };
}

/** Merges files as kubectl does: the first that has a name wins, and a missing one of several is passed over. */
async function readKubeconfig(paths: readonly string[], asked: string) {
  const where = paths.join(', ');
  const configs: KubeConfig[] = [];
  const tokenFiles = new Map<User, string>();
  for (const path of paths) {
    const text = await readText(path);
    if (text !== undefined) configs.push(parse(path, text, tokenFiles));
  }
  if (configs.length === 0) {
    throw new KubeconfigError(
      `${asked} names ${where}, which does not exist: name a kubeconfig that does, or leave it out`,
    );
  }
  const contextName = configs.map(({ currentContext }) => currentContext).find((name) => name);
  if (!contextName) {
    throw new KubeconfigError(`${where} has no current-context: set one by "kubectl config use-context"`);
  }
  const find = <T extends { name: string }>(all: T[], what: string, name: string, named: string): T => {
    const found = all.find((entry) => entry.name === name);
    if (found === undefined) throw new KubeconfigError(`${where} has no ${what} "${name}", which ${named}`);
    return found;
  };
  const contexts = configs.flatMap((config) => config.contexts);
  const context = find(contexts, 'context', contextName, 'is its current-context');
  const named = `context "${contextName}" names`;
  const clusters = configs.flatMap((config) => config.clusters);
  const cluster = find(clusters, 'cluster', context.cluster, named);
  const users = configs.flatMap((config) => config.users);
  const user: User = context.user ? find(users, 'user', context.user, named) : { name: '' };
  return { cluster, user, tokenFile: tokenFiles.get(user), namespace: context.namespace };
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new KubeconfigError(`the kubeconfig ${path} cannot be read: ${codeOf(error)}`);
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}

/** What has other values than texts, by client-node's names. */
const STRUCTURED: readonly string[] = ['skipTLSVerify', 'exec', 'authProvider'];

/** client-node takes a value of any type. */
function oddField(config: KubeConfig): string | undefined {
  const isOdd = ([field, value]: [string, unknown]): boolean =>
    value !== undefined && value !== null && typeof value !== 'string' && !STRUCTURED.includes(field);
  if (isOdd(['', config.currentContext])) return 'current-context';
  for (const part of ['contexts', 'clusters', 'users'] as const) {
    const odd = config[part].flatMap((entry) => Object.entries(entry)).find(isOdd);
    if (odd !== undefined) return `a field of ${part}, ${odd[0]},`;
  }
  return undefined;
}

/** Adds to `tokenFiles` what client-node leaves out of its users: it knows this field by another name than Kubernetes does. */
function parse(path: string, text: string, tokenFiles: Map<User, string>): KubeConfig {
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  const [fault] = document.errors;
  if (fault !== undefined) {
    // Not the parser's message: it may quote the lines around, and there are keys in them.
    const line = text.slice(0, fault.pos[0]).split('\n').length;
    throw new KubeconfigError(`the kubeconfig ${path} is no valid YAML: ${fault.code} in line ${line}`);
  }
  const config = new KubeConfig();
  let raw: RawKubeconfig | null;
  try {
    raw = document.toJS() as RawKubeconfig | null;
    if (typeof raw === 'object' && raw !== null) config.loadFromString(text);
  } catch (error) {
    throw new KubeconfigError(`the kubeconfig ${path} is not valid: ${summary(error)}`);
  }
  if (typeof raw !== 'object' || raw === null) throw new KubeconfigError(`the kubeconfig ${path} is empty`);
  const odd = oddField(config);
  if (odd !== undefined) throw new KubeconfigError(`the kubeconfig ${path} is not valid: ${odd} is no text`);
  const directory = dirname(resolve(path));
  config.makePathsAbsolute(directory);
  for (const { name, user } of Array.isArray(raw.users) ? raw.users : []) {
    const known = config.users.find((each) => each.name === name);
    if (known !== undefined && user?.tokenFile) tokenFiles.set(known, resolve(directory, user.tokenFile));
  }
  return config;
}

/** client-node's own complaints are one line and name fields only. */
function summary(error: unknown): string {
  return error instanceof Error && /^\w+\[\d+\]\.[\w.]+ is missing$/.test(error.message)
    ? error.message
    : 'it is no kubeconfig';
}
