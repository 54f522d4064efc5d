import { expect } from 'chai';
import { join } from 'node:path';
import { replaceFiles } from '../../hack/bundle/files.js';
import { generateBundle } from '../../hack/bundle/generate.js';
import { repositoryRoot } from '../../hack/repository.js';
import { version } from '../../src/cli/version.js';
import { AuditLog } from '../support/audit-log.js';
import { eventually } from '../support/eventually.js';
import type { RunningOperator } from '../support/operator.js';
import type { CatalogRelease } from './olm/inline-catalog.js';
import { OlmCluster } from './olm/olm-cluster.js';
import { OlmInstallation } from './olm/olm-installation.js';
import { olmToolsOrSkip } from './olm/olm-tools.js';
import { SharingTenant } from './olm/sharing-tenant.js';

const NAMESPACE = 'config-weaver-system';
const PREVIOUS = '0.0.9';
const CURRENT: CatalogRelease = {
  name: `config-weaver.v${version()}`,
  directory: join(repositoryRoot(), 'bundle'),
};
const PATIENCE = { timeoutMs: 30_000, intervalMs: 300 };

/** The rights of the contract, and nothing that OLM would have added. */
const CLUSTER_RIGHTS = [
  'namespaces: get list watch',
  'subjectaccessreviews.authorization.k8s.io: create',
  'tokenreviews.authentication.k8s.io: create',
];
const NAMESPACE_RIGHTS = [
  'configmapsyncs.weaver.example.com/finalizers: update',
  'configmapsyncs.weaver.example.com/status: patch',
  'configmapsyncs.weaver.example.com: get list watch patch',
  'events.events.k8s.io: create patch',
  'leases.coordination.k8s.io config-weaver.weaver.example.com: get update patch',
  'leases.coordination.k8s.io: create',
];
/** What each tenant here grants. */
const TOKEN_GRANT = 'serviceaccounts/token sharer: create';

/** OLM's own addition, by which an operator may tell it of its state. */
const conditionOf = (release: string): string =>
  `operatorconditions.operators.coreos.com ${release}: get update patch`;

describe('installed by OLM', function () {
  this.timeout(180_000);
  let cluster: OlmCluster;
  let previous: CatalogRelease;
  const operators: RunningOperator[] = [];

  before(async function () {
    const tools = await olmToolsOrSkip(this);
    cluster = await OlmCluster.start(tools);
    previous = {
      name: `config-weaver.v${PREVIOUS}`,
      directory: join(cluster.plane.dir, 'previous-bundle'),
    };
    await replaceFiles(previous.directory, await generateBundle({ version: PREVIOUS }));
  });

  after(async () => {
    await Promise.all(operators.map((operator) => operator.stop()));
    // Undefined where it was skipped.
    await (cluster as OlmCluster | undefined)?.stop();
  });

  async function startOperator(installation: OlmInstallation): Promise<RunningOperator> {
    const operator = await installation.startOperator();
    operators.push(operator);
    return operator;
  }

  /** Each test goes on where the one before it has ended, as a cluster's life does. */
  describe('for all namespaces', () => {
    let installation: OlmInstallation;
    let operator: RunningOperator;
    let tenant: SharingTenant;

    it('succeeds from a catalog, with all pods under restricted Pod Security', async () => {
      await cluster.plane.kubectl(['apply', '-f', join(repositoryRoot(), 'config/manager/namespace.yaml')]);
      await cluster.serveCatalog([previous]);

      installation = await OlmInstallation.install(cluster, NAMESPACE, previous.name);

      const pods = await cluster.kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'name']);
      expect(pods.trim().split('\n')).to.have.length(2);
    });

    it('gives the operator exactly its rights', async () => {
      // What OLM lifts to the cluster is in the operator's own namespace as well. It does not wait for all of it.
      await eventually(async () => {
        expect(await installation.rights()).to.deep.equal({
          '*': [...CLUSTER_RIGHTS, ...NAMESPACE_RIGHTS].sort(),
          [NAMESPACE]: [...NAMESPACE_RIGHTS, conditionOf(previous.name)].sort(),
        });
      }, PATIENCE);
    });

    it('lets who may edit a namespace have ConfigMapSyncs there, and who may view it see them', async () => {
      for (const role of ['edit', 'view']) {
        await cluster.kubectl([
          'create',
          'clusterrolebinding',
          role,
          `--clusterrole=${role}`,
          `--user=${role}`,
        ]);
      }
      const may = async (user: string, verb: string): Promise<boolean> => {
        const question = ['auth', 'can-i', verb, 'configmapsyncs', '-n', 'default', `--as=${user}`];
        return (await cluster.kubectl(question).catch(() => 'no')).trim() === 'yes';
      };

      await eventually(async () => {
        expect(await may('edit', 'create')).to.equal(true);
        expect(await may('view', 'list')).to.equal(true);
      }, PATIENCE);
      expect(await may('view', 'create')).to.equal(false);
    });

    it('lets it share what tenants may share, and report what they may not', async () => {
      tenant = await SharingTenant.create(cluster.kubectl, 'team-a', await installation.username());
      operator = await startOperator(installation);

      await tenant.share();

      await eventually(async () => {
        expect((await tenant.copy())?.data).to.deep.equal({ value: 'first' });
        expect(await tenant.targetStates()).to.have.members(['Synced', 'Denied']);
        expect(await tenant.eventReasons()).to.include.members(['NamespaceDenied', 'Synced']);
      }, PATIENCE);
      expect(await tenant.copy(tenant.denied)).to.equal(undefined);
    });

    it('upgrades with ConfigMapSyncs alive, and touches no copy', async () => {
      const before = await tenant.copy();
      const sync = await tenant.sync();

      await cluster.serveCatalog([previous, CURRENT]);
      await installation.succeeded(CURRENT.name);
      expect((await operator.stop()).code, 'exit code of the previous release').to.equal(0);
      operator = await startOperator(installation);

      await eventually(async () => {
        const events = await tenant.eventReasons();
        expect(events).to.deep.equal([...new Set(events)]);
      }, PATIENCE);
      expect(await tenant.copy()).to.deep.equal(before);
      expect((await tenant.sync())?.metadata.uid).to.equal(sync?.metadata.uid);
      expect((await tenant.sync())?.status).to.deep.equal(sync?.status);
    });

    it('goes on sharing after the upgrade', async () => {
      await tenant.edit('second');

      await eventually(async () => {
        expect((await tenant.copy())?.data).to.deep.equal({ value: 'second' });
      }, PATIENCE);
    });

    it('is removed without a trace but for what tenants own: CRD, ConfigMapSyncs, copies', async () => {
      const copy = await tenant.copy();
      const sync = await tenant.sync();
      await operator.stop();

      await installation.uninstall(CURRENT.name);

      const kinds = 'clusterroles,clusterrolebindings,roles,rolebindings,services,poddisruptionbudgets';
      // OLM's Role for its own OperatorCondition carries the release's name; at times OLM makes it once more while it cleans up.
      const conditions = new RegExp(`/${CURRENT.name}$`);
      await eventually(async () => {
        const owned = ['get', kinds, '-A', '-o', 'name', '-l', `olm.owner=${CURRENT.name}`];
        const left = (await cluster.kubectl(owned)).split('\n').filter((name) => name !== '');
        expect(left.filter((name) => !conditions.test(name))).to.deep.equal([]);
      }, PATIENCE);
      expect(await tenant.copy()).to.deep.equal(copy);
      expect(await tenant.sync()).to.deep.equal(sync);
    });

    it('carries on when it is installed again', async () => {
      await tenant.edit('third');

      installation = await OlmInstallation.install(cluster, NAMESPACE, CURRENT.name);
      operator = await startOperator(installation);

      await eventually(async () => {
        expect((await tenant.copy())?.data).to.deep.equal({ value: 'third' });
      }, PATIENCE);
      await operator.stop();
      await installation.uninstall(CURRENT.name);
    });

    it('has no request for a ConfigMap, a Secret or a token beyond the grants in the audit log', async () => {
      const username = `system:serviceaccount:${NAMESPACE}:config-weaver-controller-manager`;
      const log = AuditLog.fromStart(cluster.plane.auditLog);

      const own = await log.entries({ username });

      const touched = own.map(({ verb, objectRef }) =>
        [verb, [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/'), objectRef?.name].join(
          ' ',
        ),
      );
      expect(touched).to.not.be.empty;
      expect(touched.filter((line) => / (configmaps|secrets)\b/.test(line))).to.deep.equal([]);
      expect([...new Set(touched.filter((line) => line.includes('serviceaccounts')))]).to.deep.equal([
        'create serviceaccounts/token sharer',
      ]);
    });
  });

  describe('for some namespaces', () => {
    const MODES = [
      { mode: 'OwnNamespace', namespace: 'weaver-own', tenants: ['weaver-own'] },
      { mode: 'SingleNamespace', namespace: 'weaver-single', tenants: ['tenant-single'] },
      { mode: 'MultiNamespace', namespace: 'weaver-multi', tenants: ['tenant-one', 'tenant-two'] },
    ];

    before(async () => {
      const namespaces = [...new Set(MODES.flatMap(({ namespace, tenants }) => [namespace, ...tenants]))];
      for (const name of [...namespaces, 'tenant-of-nobody']) {
        await cluster.kubectl(['create', 'namespace', name]);
      }
      await cluster.serveCatalog([CURRENT]);
    });

    for (const { mode, namespace, tenants } of MODES) {
      it(`(${mode}) serves those, and has no right over ConfigMapSyncs elsewhere`, async () => {
        const installation = await OlmInstallation.install(cluster, namespace, CURRENT.name, tenants);
        const username = await installation.username();
        const served = await Promise.all(
          tenants.map((tenant) => SharingTenant.create(cluster.kubectl, tenant, username)),
        );
        const stranger = await SharingTenant.create(cluster.kubectl, 'tenant-of-nobody', username);

        await Promise.all([...served, stranger].map((tenant) => tenant.share()));
        const operator = await startOperator(installation);

        await eventually(async () => {
          for (const tenant of served) {
            expect((await tenant.copy())?.data, tenant.namespace).to.deep.equal({ value: 'first' });
          }
        }, PATIENCE);
        expect((await stranger.sync())?.status).to.equal(undefined);
        const others = tenants.filter((tenant) => tenant !== namespace);
        const granted = others.map((tenant) => [tenant, [...NAMESPACE_RIGHTS, TOKEN_GRANT].sort()]);
        await eventually(async () => {
          const { [namespace]: own = [], ...rights } = await installation.rights();
          expect(rights).to.deep.equal({
            '*': CLUSTER_RIGHTS,
            'tenant-of-nobody': [TOKEN_GRANT],
            ...(Object.fromEntries(granted) as Record<string, string[]>),
          });
          expect(own.filter((right) => right !== TOKEN_GRANT)).to.deep.equal(
            [...NAMESPACE_RIGHTS, conditionOf(CURRENT.name)].sort(),
          );
        }, PATIENCE);
        await operator.stop();
      });
    }
  });
});
