import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { controlPlaneAssets } from '../../../hack/control-plane/assets.js';
import { ControlPlane } from '../../../hack/control-plane/control-plane.js';
import { Daemon } from '../../../hack/control-plane/daemon.js';
import { freePort } from '../../../hack/control-plane/free-port.js';
import { Reaper } from '../../../hack/control-plane/reaper.js';
import { apply, type Kubectl } from '../../support/kubectl.js';
import { catalogObjects, writeCatalog, type CatalogRelease } from './inline-catalog.js';
import type { OlmTools } from './olm-tools.js';
import { StandInKubelet } from './stand-in-kubelet.js';
import { until } from './until.js';

export const OLM_NAMESPACE = 'olm';
const SERVICE_ACCOUNT = 'olm-operator-serviceaccount';
const WAIT_SECONDS = 60;

/**
 * A control plane with a real Operator Lifecycle Manager: its two operators as processes under a ServiceAccount of their
 * own, and opm as the catalog's server. No image is pulled: catalogs carry their bundles inline.
 */
export class OlmCluster {
  readonly plane: ControlPlane;
  readonly kubectl: Kubectl;
  readonly #tools: OlmTools;
  readonly #reaper = new Reaper();
  readonly #daemons: Daemon[] = [];
  #kubelet: StandInKubelet | undefined;
  #catalogServer: Daemon | undefined;
  #catalogs = 0;

  private constructor(plane: ControlPlane, tools: OlmTools) {
    this.plane = plane;
    this.#tools = tools;
    this.kubectl = plane.kubectl;
  }

  static async start(tools: OlmTools): Promise<OlmCluster> {
    const plane = await ControlPlane.start({ assets: await controlPlaneAssets(), controllerManager: false });
    const cluster = new OlmCluster(plane, tools);
    try {
      await cluster.#install();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#kubelet?.stop();
    await this.#catalogServer?.stop('SIGKILL');
    await Promise.all(this.#daemons.map((daemon) => daemon.stop('SIGKILL')));
    await this.#reaper.close();
    await this.plane.stop();
  }

  /**
   * Serves a catalog in which each release takes the place of the one before it, and waits until OLM has it. A CatalogSource
   * of before goes first: OLM would go on with what it had read of that one.
   */
  async serveCatalog(releases: readonly CatalogRelease[]): Promise<void> {
    this.#catalogs += 1;
    const directory = join(this.plane.dir, `catalog-${this.#catalogs}`);
    const opm = join(this.#tools.bin, 'opm');
    await writeCatalog(opm, directory, releases);
    await this.kubectl(['delete', 'catalogsource', 'test', '-n', OLM_NAMESPACE, '--ignore-not-found']);
    await this.#catalogServer?.stop('SIGKILL');
    const port = await freePort();
    this.#catalogServer = this.#daemon('opm', opm, [
      ...['serve', directory, `--port=${port}`, '--pprof-addr='],
      ...[`--cache-dir=${directory}-cache`, '--cache-enforce-integrity=false'],
      `--termination-log=${directory}-termination.log`,
    ]);
    await apply(this.kubectl, ...catalogObjects(`127.0.0.1:${port}`, OLM_NAMESPACE));
    await until('the catalog to be read', WAIT_SECONDS, async () => {
      const state = '{.status.connectionState.lastObservedState}';
      const get = ['get', 'catalogsource', 'test', '-n', OLM_NAMESPACE, '-o', `jsonpath=${state}`];
      return (await this.kubectl(get)) === 'READY';
    });
  }

  async #install(): Promise<void> {
    const { plane } = this;
    await plane.applyCrd(this.#tools.crds);
    await plane.startControllerManager();
    await apply(
      this.kubectl,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OLM_NAMESPACE } },
      {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: SERVICE_ACCOUNT, namespace: OLM_NAMESPACE },
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'olm-operator-binding-olm' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', name: SERVICE_ACCOUNT, namespace: OLM_NAMESPACE }],
      },
      { apiVersion: 'operators.coreos.com/v1', kind: 'OLMConfig', metadata: { name: 'cluster' } },
    );
    this.#startWorkloads();
    this.#kubelet = await StandInKubelet.start(plane.kubeconfig);
    const kubeconfig = await plane.serviceAccountKubeconfig(OLM_NAMESPACE, SERVICE_ACCOUNT);
    await mkdir(join(plane.dir, 'olm'), { recursive: true });
    // With a certificate they serve on 8443, without one on 8080, in any case on a port that is not to be chosen; the
    // second of them logs that it is taken, and works.
    const pki = join(plane.dir, 'pki');
    const tls = [`--tls-cert=${join(pki, 'apiserver.crt')}`, `--tls-key=${join(pki, 'apiserver.key')}`];
    const common = [`--namespace=${OLM_NAMESPACE}`, '--writeStatusName=', ...tls];
    this.#daemons.push(
      this.#daemon('olm-operator', 'env', [
        ...[`KUBECONFIG=${kubeconfig}`, `OPERATOR_NAMESPACE=${OLM_NAMESPACE}`, 'OPERATOR_NAME=olm-operator'],
        ...[join(this.#tools.bin, 'olm'), ...common],
      ]),
      this.#daemon('catalog-operator', join(this.#tools.bin, 'catalog'), [
        `--kubeconfig=${kubeconfig}`,
        ...common,
      ]),
    );
  }

  /** Deployments and ReplicaSets are not among what our control planes run. */
  #startWorkloads(): void {
    const controllers = ['deployment-controller', 'replicaset-controller', 'disruption-controller'];
    this.#daemons.push(
      this.#daemon('workload-controllers', join(this.plane.assets, 'kube-controller-manager'), [
        `--kubeconfig=${this.plane.kubeconfig}`,
        `--authentication-kubeconfig=${this.plane.kubeconfig}`,
        `--authorization-kubeconfig=${this.plane.kubeconfig}`,
        `--controllers=${controllers.join(',')}`,
        ...['--secure-port=0', '--leader-elect=false', '--profiling=false'],
      ]),
    );
  }

  #daemon(name: string, binary: string, args: string[]): Daemon {
    const logFile = join(this.plane.dir, `${name}.log`);
    return new Daemon({ binary, args, logFile, reaper: this.#reaper });
  }
}
