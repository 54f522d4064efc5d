import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import type { Cluster, Context, User } from '@kubernetes/client-node';

import { KubeconfigError } from './cluster-connection.js';

/** What the current context of one or more kubeconfig files comes to. File names in it are absolute. */
export interface KubeconfigEntry {
  cluster: Cluster;
  user: User;
  /** client-node knows this field by another name than Kubernetes does, so it is read beside it. */
  tokenFile: string | undefined;
  namespace: string | undefined;
}

interface LoadedFile {
  currentContext: string | undefined;
  clusters: Cluster[];
  contexts: Context[];
  users: User[];
  tokenFiles: Map<string, string>;
}

interface RawKubeconfig {
  users?: { name?: string; user?: { tokenFile?: string } | null }[] | null;
}

/**
 * Reads kubeconfig files and merges them as kubectl does: for each name the first file that has it wins, and a missing file
 * of a list is passed over.
 *
 * @throws KubeconfigError when none is there, one is no kubeconfig, or the current context names what is not in them.
 */
export async function readKubeconfig(paths: readonly string[], asked: string): Promise<KubeconfigEntry> {
  const files: LoadedFile[] = [];
  for (const path of paths) {
    const text = await readText(path);
    if (text !== undefined) {
      files.push(await parse(path, text));
    }
  }
  if (files.length === 0) {
    throw new KubeconfigError(
      `${asked} names ${paths.join(', ')}, which does not exist: name a kubeconfig that does, or leave it out`,
    );
  }
  const where = paths.join(', ');
  const contextName = files.map((file) => file.currentContext).find((name) => name);
  if (contextName === undefined) {
    throw new KubeconfigError(`${where} has no current-context: set one by "kubectl config use-context"`);
  }
  const context = find(files, 'contexts', contextName);
  if (context === undefined) {
    throw new KubeconfigError(`${where} has no context "${contextName}", which is its current-context`);
  }
  const cluster = find(files, 'clusters', context.cluster);
  if (cluster === undefined) {
    throw new KubeconfigError(
      `${where} has no cluster "${context.cluster}", which context "${contextName}" names`,
    );
  }
  const userName = context.user || undefined;
  const user = userName === undefined ? { name: '' } : find(files, 'users', userName);
  if (user === undefined) {
    throw new KubeconfigError(`${where} has no user "${context.user}", which context "${contextName}" names`);
  }
  const owner = files.find((file) => file.users.includes(user));
  return { cluster, user, tokenFile: owner?.tokenFiles.get(user.name), namespace: context.namespace };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      return undefined;
    }
    throw new KubeconfigError(`the kubeconfig ${path} cannot be read: ${code ?? 'unknown error'}`);
  }
}

async function parse(path: string, text: string): Promise<LoadedFile> {
  // Both are needed here only: in a pod neither is loaded, which saves 60 MB.
  const { KubeConfig, parseDocument } = await import('./kubeconfig-library.js');
  const document = parseDocument(text, { prettyErrors: false });
  const [fault] = document.errors;
  if (fault !== undefined) {
    // Not the parser's message: it may quote the lines around, and there are keys in them.
    const line = text.slice(0, fault.pos[0]).split('\n').length;
    throw new KubeconfigError(`the kubeconfig ${path} is no valid YAML: ${fault.code} in line ${line}`);
  }
  const raw = document.toJS() as RawKubeconfig | null;
  if (typeof raw !== 'object' || raw === null) {
    throw new KubeconfigError(`the kubeconfig ${path} is empty`);
  }
  const config = new KubeConfig();
  try {
    config.loadFromString(text);
  } catch (error) {
    throw new KubeconfigError(`the kubeconfig ${path} is not valid: ${summary(error)}`);
  }
  const directory = dirname(resolve(path));
  config.makePathsAbsolute(directory);
  const tokenFiles = new Map<string, string>();
  for (const entry of Array.isArray(raw.users) ? raw.users : []) {
    if (entry.name !== undefined && entry.user?.tokenFile) {
      tokenFiles.set(entry.name, resolve(directory, entry.user.tokenFile));
    }
  }
  return {
    currentContext: config.currentContext || undefined,
    clusters: config.clusters,
    contexts: config.contexts,
    users: config.users,
    tokenFiles,
  };
}

function find<K extends 'clusters' | 'contexts' | 'users'>(
  files: readonly LoadedFile[],
  kind: K,
  name: string,
): LoadedFile[K][number] | undefined {
  for (const file of files) {
    const found = file[kind].find((entry) => entry.name === name);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** client-node's own complaints are one line and name fields only. */
function summary(error: unknown): string {
  return error instanceof Error && /^\w+\[\d+\]\.[\w.]+ is missing$/.test(error.message)
    ? error.message
    : 'it is no kubeconfig';
}
