/** A status that both the parser and the API server take, or both refuse, naming the same field. */
export interface StatusCase {
  title: string;
  status: Record<string, unknown>;
  /** Left out: the status is accepted. */
  refusedAt?: string;
}

const TIME = '2026-01-02T03:04:05Z';
const target = (overrides: Record<string, unknown>): Record<string, unknown> => ({
  namespace: 'prod',
  state: 'Synced',
  lastTransitionTime: TIME,
  ...overrides,
});
const condition = (overrides: Record<string, unknown>): Record<string, unknown> => ({
  type: 'Ready',
  status: 'True',
  reason: 'ReconciliationComplete',
  message: '',
  lastTransitionTime: TIME,
  ...overrides,
});
const targets = (...items: unknown[]): Record<string, unknown> => ({ targets: items });
const conditions = (...items: unknown[]): Record<string, unknown> => ({ conditions: items });

export const STATUS_CASES: readonly StatusCase[] = [
  {
    title: 'every field',
    status: {
      observedGeneration: 3,
      serviceAccount: 'system:serviceaccount:team-a:default',
      summary: '8/10',
      wantedTargets: 10,
      syncedTargets: 8,
      deniedTargets: 1,
      sourceResourceVersion: '1234',
      contentHash: `sha256:${'0a'.repeat(32)}`,
      conditions: [condition({ observedGeneration: 3 })],
      targets: [
        target({
          reason: 'MissingPermissions',
          message: 'may not',
          state: 'Denied',
          missingVerbs: ['create', 'update'],
        }),
      ],
    },
  },
  {
    title: 'one target for each state',
    status: targets(
      ...[
        ...['Pending', 'Synced', 'Denied', 'Conflict', 'NamespaceNotFound'],
        ...['Terminating', 'Failed', 'Skipped', 'Stale'],
      ].map((state, index) => target({ state, namespace: `n${index}` })),
    ),
  },
  {
    title: 'a state that does not exist',
    status: targets(target({ state: 'Lost' })),
    refusedAt: 'status.targets[0].state',
  },
  {
    title: 'a target without a state',
    status: targets({ namespace: 'a', lastTransitionTime: TIME }),
    refusedAt: 'status.targets[0].state',
  },
  { title: 'a target twice', status: targets(target({}), target({})), refusedAt: 'status.targets[1]' },
  {
    title: 'a target whose time is none',
    status: targets(target({ lastTransitionTime: 'today' })),
    refusedAt: 'status.targets[0].lastTransitionTime',
  },
  {
    title: 'a verb twice',
    status: targets(target({ missingVerbs: ['get', 'get'] })),
    refusedAt: 'status.targets[0].missingVerbs[1]',
  },
  {
    title: 'a verb that is never needed',
    status: targets(target({ missingVerbs: ['watch'] })),
    refusedAt: 'status.targets[0].missingVerbs[0]',
  },
  { title: 'the longest message of a target', status: targets(target({ message: 'm'.repeat(4096) })) },
  {
    title: 'too long a message of a target',
    status: targets(target({ message: 'm'.repeat(4097) })),
    refusedAt: 'status.targets[0].message',
  },
  {
    title: '4,000 targets',
    status: targets(...Array.from({ length: 4000 }, (_, index) => target({ namespace: `n${index}` }))),
  },
  {
    title: '4,001 targets',
    status: targets(...Array.from({ length: 4001 }, (_, index) => target({ namespace: `n${index}` }))),
    refusedAt: 'status.targets',
  },
  { title: 'a count below zero', status: { deniedTargets: -1 }, refusedAt: 'status.deniedTargets' },
  { title: 'a count that is a fraction', status: { wantedTargets: 1.5 }, refusedAt: 'status.wantedTargets' },
  { title: 'a summary of words', status: { summary: 'all' }, refusedAt: 'status.summary' },
  { title: 'a digest of another kind', status: { contentHash: 'md5:00' }, refusedAt: 'status.contentHash' },
  { title: 'a condition of a later release', status: conditions(condition({ type: 'SomethingNew' })) },
  {
    title: 'a condition with an impossible status',
    status: conditions(condition({ status: 'Maybe' })),
    refusedAt: 'status.conditions[0].status',
  },
  {
    title: 'a condition without a reason',
    status: conditions(condition({ reason: '' })),
    refusedAt: 'status.conditions[0].reason',
  },
  {
    title: 'a condition whose reason is a sentence',
    status: conditions(condition({ reason: 'It is so' })),
    refusedAt: 'status.conditions[0].reason',
  },
  {
    title: 'a condition twice',
    status: conditions(condition({}), condition({})),
    refusedAt: 'status.conditions[1]',
  },
  {
    title: 'the longest message of a condition',
    status: conditions(condition({ message: 'm'.repeat(32768) })),
  },
  {
    title: 'too long a message of a condition',
    status: conditions(condition({ message: 'm'.repeat(32769) })),
    refusedAt: 'status.conditions[0].message',
  },
];
