import { ALLOWED, DENIED, SOURCE, SYNC, TENANT } from './names.js';
import { auditLine, events, metric, overview } from './scenes/reports.js';
import { editArrives, whoDidIt } from './scenes/proof.js';
import { copyArrived, operatorHasNoPower, tenantShares } from './scenes/set-up.js';
import type { Stage } from './stage.js';

/** What is shown, in this order. Each throws where something is not as it should be. */
export const SCENES: readonly ((stage: Stage) => Promise<void>)[] = [
  operatorHasNoPower,
  tenantShares,
  copyArrived,
  overview,
  events,
  metric,
  auditLine,
  editArrives,
  whoDidIt,
];

/** What to do with a control plane that is there for the taking. */
export function suggest(stage: Stage, kubectlOnPath: boolean): void {
  const { screen, rig, operator } = stage;
  const { assets, kubeconfig, auditLog } = rig.plane;
  screen.heading('Now you: in another terminal');
  screen.say(`export KUBECONFIG=${kubeconfig}`);
  if (!kubectlOnPath) screen.say(`export PATH=${assets}:$PATH`);
  screen.say('');
  screen.suggestions([
    [`kubectl apply -f ${stage.file('grant-prod.yaml')}`, `${DENIED} agrees: the copy follows within 15 s`],
    [`kubectl get cms -n ${TENANT} --watch`, 'see it happen'],
    [`kubectl edit configmap ${SOURCE} -n ${TENANT}`, 'change what is shared'],
    [`kubectl delete configmap ${SOURCE} -n ${ALLOWED}`, 'it comes back at once'],
    [`kubectl delete cms ${SYNC} -n ${TENANT}`, 'the copies go'],
    [`curl -s ${operator.address('metrics')}/metrics`, 'all metrics'],
    [`tail -f ${operator.auditLogFile}`, "the operator's audit log"],
    [`tail -f ${operator.logFile}`, "the operator's log"],
    [`tail -f ${auditLog}`, "the API server's audit log"],
  ]);
}
