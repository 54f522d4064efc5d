import { join } from 'node:path';
import type { PolicyRule } from '../../../hack/bundle/manifest.js';
import { rightsOf } from '../../../hack/bundle/permissions.js';
import { repositoryRoot } from '../../../hack/repository.js';
import { apply, getObject, listObjects, type AnyObject } from '../../support/kubectl.js';
import { RunningOperator } from '../../support/operator.js';
import { subscriptionObjects } from './inline-catalog.js';
import { OLM_NAMESPACE, type OlmCluster } from './olm-cluster.js';
import { until } from './until.js';

interface EnvironmentVariable {
  name: string;
  value?: string;
  valueFrom?: { fieldRef?: { fieldPath: string } };
}

interface Deployment extends AnyObject {
  spec: {
    template: {
      metadata: { annotations?: Record<string, string> };
      spec: { serviceAccountName: string; containers: { args: string[]; env?: EnvironmentVariable[] }[] };
    };
  };
}

interface Binding extends AnyObject {
  roleRef: { kind: 'Role' | 'ClusterRole'; name: string };
  subjects?: { name: string; namespace?: string }[];
}

interface Role extends AnyObject {
  rules: PolicyRule[];
}

const DEPLOYMENT = 'config-weaver-controller-manager';
const WAIT_SECONDS = 90;

/** config-weaver in a cluster, put there by OLM. */
export class OlmInstallation {
  readonly #cluster: OlmCluster;

  private constructor(
    cluster: OlmCluster,
    readonly namespace: string,
  ) {
    this.#cluster = cluster;
  }

  /** Subscribes, and waits until OLM says that the release has succeeded. `targets`: of the OperatorGroup; none: all. */
  static async install(
    cluster: OlmCluster,
    namespace: string,
    release: string,
    targets: readonly string[] = [],
  ): Promise<OlmInstallation> {
    await apply(cluster.kubectl, ...subscriptionObjects(namespace, targets, OLM_NAMESPACE));
    const installation = new OlmInstallation(cluster, namespace);
    await installation.succeeded(release);
    return installation;
  }

  /** Waits until OLM has this release in place, and no other. */
  async succeeded(release: string): Promise<void> {
    await until(`${release} to succeed in ${this.namespace}`, WAIT_SECONDS, async () => {
      const phases = await this.#get('clusterserviceversions', '!olm.copiedFrom');
      return phases === `${release}: Succeeded\n`;
    });
  }

  /** As an administrator does: the Subscription, then the ClusterServiceVersion. Waits until the Deployment is gone. */
  async uninstall(release: string): Promise<void> {
    const { kubectl } = this.#cluster;
    await kubectl(['delete', 'subscription,operatorgroup', '--all', '-n', this.namespace]);
    await kubectl(['delete', 'clusterserviceversion', release, '-n', this.namespace]);
    await until(`${release} to be gone`, WAIT_SECONDS, async () => {
      const left = await listObjects(kubectl, 'deployments,serviceaccounts', this.namespace);
      return left.every(({ metadata }) => metadata.name !== DEPLOYMENT);
    });
  }

  /** The program, as the pod would run it: its arguments, its environment, its rights; only its ports are others. */
  async startOperator(): Promise<RunningOperator> {
    const { template } = (await this.#deployment()).spec;
    const { serviceAccountName, containers } = template.spec;
    const { args = [], env = [] } = containers[0] ?? {};
    const kubeconfig = await this.#cluster.plane.serviceAccountKubeconfig(this.namespace, serviceAccountName);
    const environment = env.map(({ name, value, valueFrom }) => {
      const annotation = /^metadata\.annotations\['(.+)'\]$/.exec(valueFrom?.fieldRef?.fieldPath ?? '')?.[1];
      const fromPod = annotation === undefined ? '' : (template.metadata.annotations?.[annotation] ?? '');
      return [name, value ?? fromPod] as const;
    });
    const operator = new RunningOperator({
      command: [
        ...[join(repositoryRoot(), 'hack', 'config-weaver'), ...args],
        ...[`--leader-election-namespace=${this.namespace}`, '--health-probe-bind-address=127.0.0.1:0'],
        '--metrics-bind-address=127.0.0.1:0',
      ],
      env: { NODE: process.execPath, ...Object.fromEntries(environment), KUBECONFIG: kubeconfig },
    });
    return operator.after(operator.waitFor('reconciling', 30_000));
  }

  /** `system:serviceaccount:NAMESPACE:NAME` of the operator. */
  async username(): Promise<string> {
    const { serviceAccountName } = (await this.#deployment()).spec.template.spec;
    return `system:serviceaccount:${this.namespace}:${serviceAccountName}`;
  }

  /** All that RBAC grants to the operator, by where it holds: a namespace, or `*` for the cluster. */
  async rights(): Promise<Record<string, string[]>> {
    const { kubectl } = this.#cluster;
    const name = (await this.username()).split(':')[3];
    const all = await listObjects<Binding>(kubectl, 'rolebindings,clusterrolebindings');
    const ours = all.filter(({ metadata, subjects }) =>
      subjects?.some(
        (subject) => subject.name === name && (subject.namespace ?? metadata.namespace) === this.namespace,
      ),
    );
    const rights: Record<string, string[]> = {};
    for (const { metadata, roleRef } of ours) {
      const place = metadata.namespace ?? '*';
      const role = await getObject<Role>(
        kubectl,
        roleRef.kind.toLowerCase(),
        roleRef.name,
        roleRef.kind === 'Role' ? metadata.namespace : undefined,
      );
      rights[place] = [...new Set([...(rights[place] ?? []), ...rightsOf(role?.rules ?? [])])].sort();
    }
    return rights;
  }

  async #deployment(): Promise<Deployment> {
    const found = await getObject<Deployment>(
      this.#cluster.kubectl,
      'deployment',
      DEPLOYMENT,
      this.namespace,
    );
    if (found === undefined) throw new Error(`OLM made no Deployment ${DEPLOYMENT} in ${this.namespace}`);
    return found;
  }

  #get(resource: string, selector: string): Promise<string> {
    const output = 'jsonpath={range .items[*]}{.metadata.name}: {.status.phase}{"\\n"}{end}';
    return this.#cluster.kubectl(['get', resource, '-n', this.namespace, '-l', selector, '-o', output]);
  }
}
