import { readFile } from 'node:fs/promises';
import { parseAuditLog } from '../../rig/operator-log.js';
import { DENIED, SYNC, TENANT, TENANT_USERNAME } from '../names.js';
import type { Stage } from '../stage.js';

/** `kubectl get`: one line tells how it stands. */
export async function overview(stage: Stage): Promise<void> {
  stage.screen.heading('The denial, in kubectl get');
  const short = await stage.show(`get cms -n ${TENANT}`);
  const [header = [], row = []] = columns(short);
  const cell = (name: string): string | undefined => row[header.indexOf(name)];
  stage.check(cell('SYNCED') === '1/2' && cell('DENIED') === '1', 'one of two targets in step, one denied');
  const wide = await stage.show(`get cms -n ${TENANT} -o wide`);
  stage.check(wide.includes('MissingPermissions'), 'with -o wide it says why');
}

/** Events: told once, about the namespace. */
export async function events(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.heading('… as an Event');
  const command = `describe cms ${SYNC} -n ${TENANT}`;
  const part = await stage.eventually('Events NamespaceDenied and Synced', async () => {
    const description = await stage.kubectl(...command.split(' '));
    const found = description.slice(description.indexOf('\nEvents:') + 1);
    return found.includes('NamespaceDenied') && found.includes('Synced') ? found : undefined;
  });
  screen.command(`kubectl ${command} | sed -n '/^Events:/,$p'`);
  screen.output(part);
  const denials = part.split('\n').filter((line) => line.includes('NamespaceDenied'));
  stage.check(
    denials.length === 1 && denials[0]?.includes(`"${DENIED}"`) === true,
    `one Event, about ${DENIED}`,
  );
}

/** Metrics: there while the denial is. */
export async function metric(stage: Stage): Promise<void> {
  const { screen, operator } = stage;
  screen.heading('… as a metric, for as long as it lasts');
  const lines = await stage.eventually('metric configweaver_namespace_denied', async () => {
    const { text } = await operator.get('metrics', '/metrics');
    const found = text.split('\n').filter((line) => line.startsWith('configweaver_namespace_denied{'));
    return found.length > 0 ? found : undefined;
  });
  screen.command(`curl -s ${operator.address('metrics')}/metrics | grep ^configweaver_namespace_denied`);
  screen.output(lines.join('\n'));
  const [line = ''] = lines;
  const labels = [
    `namespace="${TENANT}"`,
    `name="${SYNC}"`,
    'service_account="sharer"',
    `target_namespace="${DENIED}"`,
  ];
  stage.check(
    lines.length === 1 && line.endsWith('} 1') && labels.every((label) => line.includes(label)),
    'a series for each ServiceAccount and namespace',
  );
}

/** The operator's audit log: a line for each decision. */
export async function auditLine(stage: Stage): Promise<void> {
  const { screen, operator } = stage;
  screen.heading("… and in the operator's audit log, which is its standard output");
  const lines = await stage.eventually('audit line for the denial', async () => {
    const found = (await readFile(operator.auditLogFile, 'utf8'))
      .split('\n')
      .filter((line) => line.includes('"decision":"denied"'));
    return found.length > 0 ? found : undefined;
  });
  screen.command(`grep '"decision":"denied"' ${operator.auditLogFile}`);
  screen.output(lines.join('\n'));
  const parsed = parseAuditLog(`${lines.join('\n')}\n`);
  stage.check(
    parsed.every(
      ({ serviceAccount, namespace, code }) =>
        serviceAccount === TENANT_USERNAME && namespace === DENIED && code === 403,
    ),
    `a line for each verb that is missing in ${DENIED}: ${parsed.map(({ verb }) => verb).join(', ')}`,
  );
  const asked = await stage.requests.entries({ auditID: parsed[0]?.auditID ?? '' });
  const [request] = asked;
  stage.check(
    request?.user.username === TENANT_USERNAME,
    `auditID finds the tenant's own request in the API server's log: ${request?.verb ?? ''} ${request?.requestURI ?? ''}`,
  );
}

function columns(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
}
