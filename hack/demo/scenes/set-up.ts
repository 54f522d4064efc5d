import { readFile } from 'node:fs/promises';
import { ALLOWED, DENIED, SOURCE, SYNC, TENANT, TENANT_USERNAME } from '../names.js';
import type { Stage } from '../stage.js';

/** The operator by itself can do nothing with anybody's ConfigMaps. */
export async function operatorHasNoPower(stage: Stage): Promise<void> {
  const { screen, rig } = stage;
  screen.heading('The operator has no rights on ConfigMaps');
  const { username } = rig.installation;
  for (const verb of ['get', 'create']) {
    const answer = await stage.showRefusal(`auth can-i ${verb} configmaps --all-namespaces --as=${username}`);
    stage.check(answer.trim() === 'no', `its own ServiceAccount may not ${verb} any ConfigMap`);
  }
}

/** A tenant with rights in one of two namespaces shares a ConfigMap with both. */
export async function tenantShares(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.heading(`${TENANT} shares a ConfigMap with ${ALLOWED} and ${DENIED}`);
  screen.say(`Its ServiceAccount "sharer" may write ConfigMaps in ${ALLOWED}. In ${DENIED} it may not.`);
  await stage.show(`apply -f ${stage.file('tenant.yaml')}`);
  screen.command(`cat ${stage.file('sync.yaml')}`);
  screen.output(await readFile(stage.file('sync.yaml'), 'utf8'));
  await stage.show(`apply -f ${stage.file('sync.yaml')}`);
  await stage.show(`wait cms/${SYNC} -n ${TENANT} --for=condition=TargetsAuthorized=False --timeout=20s`);
  const message = await stage.kubectl(
    ...['get', 'cms', SYNC, '-n', TENANT],
    ...['-o', 'jsonpath={.status.conditions[?(@.type=="TargetsAuthorized")].message}'],
  );
  screen.output(message);
  stage.check(
    message.includes(`insufficient permissions on service account ${TENANT_USERNAME}`) &&
      message.includes(`[${DENIED}]`),
    `the status says who may not do what where`,
  );
}

interface Copy {
  data: Record<string, string>;
  metadata: { labels: Record<string, string>; annotations: Record<string, string> };
}

/** The copy is where it may be, and nothing is where it may not. */
export async function copyArrived(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.heading(`The copy in ${ALLOWED}, and none in ${DENIED}`);
  await stage.show(`get configmap ${SOURCE} -n ${ALLOWED} -o yaml`);
  const get = async (namespace: string, resource: string, name: string): Promise<Copy> =>
    JSON.parse(await stage.kubectl('get', resource, name, '-n', namespace, '-o', 'json')) as Copy;
  const [source, copy] = await Promise.all([
    get(TENANT, 'configmap', SOURCE),
    get(ALLOWED, 'configmap', SOURCE),
  ]);
  const { labels, annotations } = copy.metadata;
  stage.check(
    JSON.stringify(copy.data) === JSON.stringify(source.data),
    'its data is the data of the source',
  );
  stage.check(
    labels['app.kubernetes.io/managed-by'] === 'config-weaver' &&
      annotations['configmapsync.io/source'] === `${TENANT}/${SOURCE}` &&
      annotations['configmapsync.io/owner-name'] === SYNC &&
      annotations['configmapsync.io/service-account'] === 'sharer',
    'it says where it comes from, on whose order, and as whom it was made',
  );
  const refusal = await stage.showRefusal(`get configmap ${SOURCE} -n ${DENIED}`);
  stage.check(refusal.includes('NotFound'), `nothing was written to ${DENIED}`);
}
