import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiServer } from './api-server.js';
import { METADATA_AUDIT_POLICY } from './audit-policy.js';
import {
  generateCredentials,
  writeCredentialFiles,
  type CredentialFiles,
  type Credentials,
} from './credentials.js';
import { Daemon } from './daemon.js';
import { Etcd } from './etcd.js';
import { controllerManagerFlags } from './flags.js';
import { serviceAccountKubeconfig, writeKubeconfig } from './kubeconfig.js';
import { applyCrd, runKubectl, type Kubectl } from './kubectl.js';
import { Reaper } from './reaper.js';

export interface ControlPlaneOptions {
  /** Folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl: `make -s control-plane` prints it. */
  assets: string;
  /**
   * Where data, logs and the kubeconfig go; what an earlier control plane left there is replaced, and everything stays
   * after stop(). Default: a temporary directory that goes with stop(). Keep it short: a socket's path has 100 characters.
   */
  dir?: string | undefined;
  /** An audit.k8s.io/v1 Policy as YAML. Default: {@link METADATA_AUDIT_POLICY}. */
  auditPolicy?: string | undefined;
  /** Told of each step, one line each. */
  log?: ((line: string) => void) | undefined;
  /** false: kube-controller-manager waits for {@link ControlPlane.startControllerManager}. Default: true. */
  controllerManager?: boolean | undefined;
}

/**
 * A real etcd, kube-apiserver and kube-controller-manager on 127.0.0.1, with RBAC, ServiceAccount tokens and an audit log.
 * Its processes end with stop(), and no later than this process itself, whatever ends it.
 */
export class ControlPlane {
  readonly assets: string;
  readonly dir: string;
  /** Path of a kubeconfig whose user may do everything. */
  readonly kubeconfig: string;
  /** `https://127.0.0.1:PORT`; stays the same over restarts. */
  readonly server: string;
  /** Path of the API server's audit log, one JSON object a line. */
  readonly auditLog: string;

  readonly #parts: Parts;
  #controllerManager: Daemon | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.assets = parts.assets;
    this.dir = parts.dir;
    this.kubeconfig = parts.kubeconfig;
    this.server = parts.apiServer.server;
    this.auditLog = parts.auditLog;
  }

  /**
   * Resolves when the API server is ready: about three seconds later on two cores.
   * @throws Error with the last lines of the log of the process that failed; nothing is left running then
   */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { assets, log = () => undefined } = options;
    const temporary = options.dir === undefined;
    const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'config-weaver-plane-')));
    const reaper = new Reaper(temporary ? dir : undefined);
    let etcd: Etcd | undefined;
    try {
      await prepareDirectory(dir);
      log('etcd starts');
      etcd = new Etcd({ assets, dir, reaper });
      const credentials = await generateCredentials();
      const files = await writeCredentialFiles(join(dir, 'pki'), credentials);
      const auditPolicyFile = join(dir, 'audit-policy.yaml');
      await writeFile(auditPolicyFile, options.auditPolicy ?? METADATA_AUDIT_POLICY);
      await etcd.waitReady();
      log('kube-apiserver starts');
      const auditLog = join(dir, 'audit.log');
      const apiServer = await ApiServer.start({
        assets,
        dir,
        etcdSocket: etcd.socket,
        credentials,
        files,
        auditPolicyFile,
        auditLog,
        reaper,
      });
      const kubeconfig = await writeKubeconfig(join(dir, 'kubeconfig'), {
        server: apiServer.server,
        authority: credentials.authority,
        user: credentials.admin,
      });
      log(`kube-apiserver is ready at ${apiServer.server}`);
      const plane = new ControlPlane({
        ...{ assets, dir, temporary, kubeconfig, auditLog },
        ...{ log, reaper, credentials, files, etcd, apiServer },
      });
      if (options.controllerManager !== false) await plane.startControllerManager();
      return plane;
    } catch (error) {
      await etcd?.stop();
      // Ends whatever else was started.
      await reaper.close();
      if (temporary) await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Default ServiceAccounts, namespace deletion and garbage collection come with it. It looks for new kinds only every
   * 30 s: start it after the CRDs are applied, or `--cascade` waits that long. Does nothing while it is running.
   */
  async startControllerManager(): Promise<void> {
    if (this.#controllerManager?.running) return;
    const { credentials, files, reaper } = this.#parts;
    const kubeconfig = await writeKubeconfig(join(this.dir, 'controller-manager.kubeconfig'), {
      server: this.server,
      authority: credentials.authority,
      user: credentials.controllerManager,
    });
    this.#parts.log('kube-controller-manager starts');
    this.#controllerManager = new Daemon({
      binary: join(this.assets, 'kube-controller-manager'),
      args: controllerManagerFlags(kubeconfig, files),
      logFile: join(this.dir, 'kube-controller-manager.log'),
      reaper,
    });
  }

  /** Resolves when `/readyz` of the API server says ok; rejects when it has ended, or after a minute. */
  async waitReady(): Promise<void> {
    await this.#parts.apiServer.waitReady();
  }

  /** SIGTERM answers what is in flight first, SIGKILL cuts it off as a crash would. What etcd holds stays. */
  async stopApiServer(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.#parts.log('kube-apiserver stops');
    await this.#parts.apiServer.stop(signal);
  }

  /** At the same address as before; resolves when it is ready. */
  async startApiServer(): Promise<void> {
    this.#parts.log('kube-apiserver starts again');
    await this.#parts.apiServer.restart();
  }

  async restartApiServer(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.stopApiServer(signal);
    await this.startApiServer();
  }

  /** SIGSTOP freezes etcd as a disk that hangs does, until SIGCONT. */
  signalEtcd(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#parts.etcd.signal(signal);
  }

  /** Has etcd forget all that is older than this resourceVersion. */
  async compactEtcd(revision: number): Promise<void> {
    await this.#parts.etcd.compact(revision);
  }

  /** Runs kubectl as the administrator; rejects with a KubectlError. */
  readonly kubectl: Kubectl = (args, input) =>
    runKubectl(args, {
      binary: join(this.assets, 'kubectl'),
      kubeconfig: this.kubeconfig,
      cacheDirectory: join(this.dir, 'kubectl-cache'),
      input,
    });

  /** Applies the CRDs of a file or folder and waits until the API server serves them. */
  applyCrd(path: string): Promise<void> {
    return applyCrd(this.kubectl, path);
  }

  /** Writes a kubeconfig that acts under exactly the rights of that ServiceAccount, for a day; returns its path. */
  serviceAccountKubeconfig(namespace: string, name: string): Promise<string> {
    return serviceAccountKubeconfig(this.kubectl, this.dir, namespace, name);
  }

  /** The numbers of the processes that run now. */
  get pids(): number[] {
    const controllerManager = this.#controllerManager?.running ? this.#controllerManager.pid : undefined;
    return [this.#parts.etcd.pid, this.#parts.apiServer.pid, controllerManager].filter(
      (pid) => pid !== undefined,
    );
  }

  /** Ends all of it and removes the temporary directory. May be called twice. */
  async stop(): Promise<void> {
    const { apiServer, etcd, reaper, temporary, log } = this.#parts;
    log('control plane stops');
    await Promise.all([this.#controllerManager?.stop('SIGKILL'), apiServer.stop('SIGKILL')]);
    await etcd.stop();
    await reaper.close();
    if (temporary) await rm(this.dir, { recursive: true, force: true });
  }
}

interface Parts {
  assets: string;
  dir: string;
  temporary: boolean;
  kubeconfig: string;
  auditLog: string;
  log: (line: string) => void;
  reaper: Reaper;
  credentials: Credentials;
  files: CredentialFiles;
  etcd: Etcd;
  apiServer: ApiServer;
}

/** Removes what an earlier control plane left there, by name: the directory may hold other things. */
async function prepareDirectory(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const logs = ['audit.log', 'etcd.log', 'kube-apiserver.log', 'kube-controller-manager.log'];
  const leftovers = ['etcd', 'etcd.sock', 'etcd-peer.sock', 'pki', ...logs];
  await Promise.all(leftovers.map((name) => rm(join(dir, name), { recursive: true, force: true })));
}
