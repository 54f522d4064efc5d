import { recordedRequests, type RecordedRequest } from '../../rig/recorded-requests.js';
import { ALLOWED, SOURCE, TENANT, TENANT_USERNAME } from '../names.js';
import type { Stage } from '../stage.js';

/** An edit of the source arrives; the API server's record says how fast. */
export async function editArrives(stage: Stage): Promise<void> {
  const { screen, requests } = stage;
  screen.heading('An edit follows');
  await stage.show(
    `patch configmap ${SOURCE} -n ${TENANT} --type=merge -p`,
    JSON.stringify({ data: { color: 'green' } }),
  );
  const [edit, update] = await stage.eventually('an update of the copy after the edit', async () => {
    const [edited] = await recordedRequests(requests, { verb: 'patch', ...at(TENANT) });
    const updates = await recordedRequests(requests, { verb: 'update', ...at(ALLOWED) });
    const followed = updates.find(({ answeredAt }) => edited !== undefined && answeredAt > edited.answeredAt);
    return edited !== undefined && followed !== undefined ? ([edited, followed] as const) : undefined;
  });
  const color = await stage.show(`get configmap ${SOURCE} -n ${ALLOWED} -o jsonpath={.data.color}`);
  stage.check(color === 'green', 'the copy has the new value');
  const latency = update.answeredAt - edit.answeredAt;
  stage.check(
    update.user.username === TENANT_USERNAME,
    `it was written ${latency.toFixed(0)} ms after the edit, by the API server's clock`,
  );
}

function at(namespace: string): { resource: string; namespace: string; name: string; code: number } {
  return { resource: 'configmaps', namespace, name: SOURCE, code: 200 };
}

/** The API server's own record of everybody's requests for ConfigMaps. */
export async function whoDidIt(stage: Stage): Promise<void> {
  const { screen, requests, rig } = stage;
  const { username: operator } = rig.installation;
  screen.heading("Who touched ConfigMaps, by the API server's own audit log");
  const all = await recordedRequests(requests, { resource: 'configmaps' });
  const counts = new Map([
    [operator, none()],
    [TENANT_USERNAME, none()],
  ]);
  for (const request of all) {
    const name = request.user.username;
    counts.set(name, count(counts.get(name) ?? none(), request));
  }
  screen.table([
    ['user', 'read', 'written', 'refused'],
    ...[...counts].map(([user, { read, written, refused }]) => [
      label(user, operator),
      ...[read, written, refused].map(String),
    ]),
  ]);
  const { read, written, refused } = counts.get(operator) ?? none();
  stage.check(read + written + refused === 0, "not one request by the operator's own ServiceAccount");
  const writers = new Set(
    all.filter((request) => request.objectRef?.namespace === ALLOWED && isOurs(request)).map(nameOf),
  );
  stage.check(
    writers.size === 1 && writers.has(TENANT_USERNAME),
    `every request for the copy in ${ALLOWED} by the operator's process was made as ${TENANT_USERNAME}`,
  );
}

interface Counts {
  read: number;
  written: number;
  refused: number;
}

function none(): Counts {
  return { read: 0, written: 0, refused: 0 };
}

function count(counts: Counts, { verb, responseStatus }: RecordedRequest): Counts {
  if (responseStatus?.code === 403) return { ...counts, refused: counts.refused + 1 };
  const reading = ['get', 'list', 'watch'].includes(verb);
  return reading ? { ...counts, read: counts.read + 1 } : { ...counts, written: counts.written + 1 };
}

function nameOf({ user }: RecordedRequest): string {
  return user.username;
}

function isOurs({ userAgent = '' }: RecordedRequest): boolean {
  return userAgent.startsWith('config-weaver/');
}

function label(user: string, operator: string): string {
  if (user === operator) return `${user} (the operator)`;
  if (user === TENANT_USERNAME) return `${user} (the tenant)`;
  return user;
}
