import fc from 'fast-check';
import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import { ALL_VERBS, NEEDED_VERBS } from '../../support/tenant.js';

/** Names that copies may have; the first is the source's. */
const COPY_NAMES = ['source', 'alpha', 'beta'] as const;
type CopyName = (typeof COPY_NAMES)[number];

/** One of the namespaces that specs may name. */
export interface NamespaceStory {
  /** There is no such namespace: its other fields are of no meaning. */
  isMissing: boolean;
  verbs: readonly string[];
  /** What is in the place of one of the copies from the beginning. */
  occupant: 'nothing' | 'foreign' | 'foreign immutable' | "another ConfigMapSync's";
  occupantName: CopyName;
}

/** A spec; targets are indexes of namespaces. */
export interface SpecStory {
  targets: readonly number[];
  name: CopyName;
  keys: readonly string[];
  labels: Record<string, string>;
  conflictPolicy: ConfigMapSyncSpec['conflictPolicy'];
  deletionPolicy: ConfigMapSyncSpec['deletionPolicy'];
  sourceDeletionPolicy: ConfigMapSyncSpec['sourceDeletionPolicy'];
}

const SPEC_FIELDS = [
  'targets',
  'name',
  'keys',
  'labels',
  'conflictPolicy',
  'deletionPolicy',
  'sourceDeletionPolicy',
] as const satisfies (keyof SpecStory)[];

export type SourceState = 'present' | 'immutable' | 'missing' | 'denied';

/** What happens while no operator runs, after the first spec was carried out. */
export interface ChangeStory {
  source: SourceState;
  /** Of each namespace. */
  verbs: readonly (readonly string[])[];
}

/** Everything is carried out and settled before `planned`, the spec that is first planned and then applied. */
export interface Story {
  namespaces: readonly NamespaceStory[];
  /** The ServiceAccount has all verbs in all namespaces, those that do not exist included. */
  isGrantedEverywhere: boolean;
  source: SourceState;
  earlier: readonly SpecStory[];
  change: ChangeStory | null;
  planned: SpecStory;
}

const MOST_NAMESPACES = 4;

const name = fc.constantFrom(...COPY_NAMES);

const verbs = fc.oneof(
  { arbitrary: fc.constant<readonly string[]>(ALL_VERBS), weight: 5 },
  { arbitrary: fc.constant<readonly string[]>(NEEDED_VERBS), weight: 4 },
  {
    arbitrary: fc.constantFrom(...ALL_VERBS).map((one) => ALL_VERBS.filter((verb) => verb !== one)),
    weight: 4,
  },
  { arbitrary: fc.subarray([...ALL_VERBS]), weight: 2 },
  { arbitrary: fc.constant<readonly string[]>([]), weight: 1 },
);

const namespace: fc.Arbitrary<NamespaceStory> = fc.record({
  isMissing: fc.constantFrom(false, false, false, false, false, false, true),
  verbs,
  occupant: fc.constantFrom(
    'nothing' as const,
    'nothing' as const,
    'nothing' as const,
    'foreign' as const,
    'foreign immutable' as const,
    "another ConfigMapSync's" as const,
  ),
  occupantName: name,
});

const spec: fc.Arbitrary<SpecStory> = fc.record({
  targets: fc.subarray([0, 1, 2, 3], { minLength: 2 }),
  name,
  keys: fc.constantFrom<readonly string[]>([], [], ['k1'], ['k1', 'absent']),
  labels: fc.constantFrom<Record<string, string>>({}, {}, { tier: 'web' }),
  conflictPolicy: fc.constantFrom('Fail' as const, 'Fail' as const, 'Overwrite' as const),
  deletionPolicy: fc.constantFrom('Delete' as const, 'Delete' as const, 'Orphan' as const),
  sourceDeletionPolicy: fc.constantFrom('Retain' as const, 'Delete' as const),
});

const source = fc.oneof(
  { arbitrary: fc.constant('present' as const), weight: 6 },
  { arbitrary: fc.constant('immutable' as const), weight: 2 },
  { arbitrary: fc.constant('missing' as const), weight: 1 },
  { arbitrary: fc.constant('denied' as const), weight: 1 },
);

const change: fc.Arbitrary<ChangeStory> = fc.record({
  source: fc.constantFrom<SourceState>('present', 'present', 'immutable', 'missing', 'denied'),
  verbs: fc.array(verbs, { minLength: MOST_NAMESPACES, maxLength: MOST_NAMESPACES }),
});

/** What of the spec before a spec takes over: as a rule people change one thing. */
const kept = fc.oneof(
  {
    arbitrary: fc.subarray(SPEC_FIELDS, {
      minLength: SPEC_FIELDS.length - 2,
      maxLength: SPEC_FIELDS.length - 1,
    }),
    weight: 3,
  },
  { arbitrary: fc.subarray(SPEC_FIELDS), weight: 1 },
);

const drawn = fc.record({
  namespaces: fc.array(namespace, { minLength: 2, maxLength: MOST_NAMESPACES, size: 'max' }),
  isGrantedEverywhere: fc.constantFrom(false, false, false, false, true),
  source,
  earlier: fc.oneof(
    { arbitrary: fc.array(spec, { minLength: 1, maxLength: 1 }), weight: 3 },
    { arbitrary: fc.array(spec, { maxLength: 2, size: 'max' }), weight: 2 },
  ),
  change: fc.option(change, { nil: null, freq: 2 }),
  planned: spec,
  kept,
});

export const stories: fc.Arbitrary<Story> = fc
  .noBias(drawn)
  .map(({ kept: fields, planned, earlier, ...story }) => {
    const within = (one: SpecStory): SpecStory => {
      const targets = one.targets.filter((index) => index < story.namespaces.length);
      return { ...one, targets: targets.length > 0 ? targets : [0] };
    };
    const last = earlier.at(-1);
    const taken = fields.map((field) => [field, last?.[field] ?? planned[field]] as const);
    const whole: Story = {
      ...story,
      earlier: earlier.map(within),
      planned: within({ ...planned, ...Object.fromEntries(taken) }),
    };
    // Plain objects, so that a failure prints as JSON.
    return JSON.parse(JSON.stringify(whole)) as Story;
  });

/** A spec in which only what matters is said. */
export function specStory(given: Partial<SpecStory> & Pick<SpecStory, 'targets'>): SpecStory {
  return {
    name: 'source',
    keys: [],
    labels: {},
    conflictPolicy: 'Fail',
    deletionPolicy: 'Delete',
    sourceDeletionPolicy: 'Retain',
    ...given,
  };
}

/** A namespace with everything that a target needs. */
export function namespaceStory(given: Partial<NamespaceStory> = {}): NamespaceStory {
  return { isMissing: false, verbs: ALL_VERBS, occupant: 'nothing', occupantName: 'source', ...given };
}
