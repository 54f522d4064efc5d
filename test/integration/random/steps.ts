import fc from 'fast-check';
import { ALL_VERBS } from '../../../hack/rig/rbac.js';
import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';

/** Namespaces by the part that they play; a world gives each a name of its own. `ghost` is not there at first. */
export const ROLES = ['home-a', 'home-b', 't1', 't2', 't3', 'ghost'] as const;
export type Role = (typeof ROLES)[number];

export const TENANTS = ['home-a', 'home-b'] as const;
export type TenantRole = (typeof TENANTS)[number];

/** A ServiceAccount; `home-b/two` has a ClusterRoleBinding, all others only what is granted in a namespace. */
export interface AccountId {
  home: TenantRole;
  name: 'one' | 'two';
}

export interface SyncId {
  home: TenantRole;
  name: 'x' | 'y';
}

/** ConfigMaps have these names only, so that sources, copies and strangers meet. */
export const CONFIG_MAP_NAMES = ['s1', 's2', 'n1'] as const;

export interface PlaceId {
  role: Role;
  name: (typeof CONFIG_MAP_NAMES)[number];
}

/** A spec in roles instead of namespaces. */
export interface SpecId {
  source: { name: 's1' | 's2'; role: Role | 'own' };
  targets: Role[];
  selector: 'none' | 'share' | 'not-share';
  account: 'one' | 'two';
  target: { name?: PlaceId['name']; labels?: Record<string, string>; annotations?: Record<string, string> };
  keys: string[];
  conflictPolicy: ConfigMapSyncSpec['conflictPolicy'];
  deletionPolicy: ConfigMapSyncSpec['deletionPolicy'];
  sourceDeletionPolicy: ConfigMapSyncSpec['sourceDeletionPolicy'];
  suspend: boolean;
}

export interface ContentId {
  data?: Record<string, string | null>;
  binaryData?: Record<string, string | null>;
  immutable?: boolean;
}

/** What somebody may do to a ConfigMap's metadata; marks are ours. */
export type Scribble =
  | 'add-label'
  | 'add-annotation'
  | 'drop-owner-mark'
  | 'drop-managed-by'
  | 'drop-owner-name'
  | 'owner-mark-of-the-dead';

/** Admission policies by what they refuse, and a quota that is full. */
export type Refusing = 'CREATE' | 'UPDATE' | 'DELETE' | 'quota';

/** What becomes of requests to the API server. */
export const FAULT_KINDS = ['reviews-503', 'writes-500', 'throttled', 'slow', 'reset'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export type Step =
  | { do: 'put-sync'; sync: SyncId; spec: SpecId }
  /** Of the spec only these fields change; does nothing where there is no such ConfigMapSync. */
  | { do: 'change-sync'; sync: SyncId; spec: SpecId; fields: (keyof SpecId)[] }
  | { do: 'delete-sync'; sync: SyncId; propagation: 'Background' | 'Foreground' | 'Orphan' }
  | { do: 'create-config-map'; place: PlaceId; content: ContentId; forgeMarkOf?: SyncId | undefined }
  | { do: 'edit-config-map'; place: PlaceId; content: ContentId }
  | { do: 'scribble'; place: PlaceId; what: Scribble }
  | { do: 'delete-config-map'; place: PlaceId }
  | { do: 'grant'; account: AccountId; role: Role; verbs: string[] }
  | { do: 'create-account' | 'delete-account'; account: AccountId }
  | { do: 'create-namespace' | 'delete-namespace'; role: Role }
  | { do: 'label-namespace'; role: Role; share: 'yes' | 'no' }
  /** Of the tenants' writes there; lifted by a later step, or at the end. */
  | { do: 'refuse'; role: Role; by: Refusing }
  | { do: 'lift'; role: Role }
  | { do: 'slow-webhook'; role: Role }
  /** Until the end of the batch. */
  | { do: 'disturb'; how: FaultKind }
  /** It stays down for the rest of the batch unless it is to come back at once. */
  | { do: 'end-operator'; how: 'SIGTERM' | 'SIGKILL'; back: boolean };

export const ALL: string[] = [...ALL_VERBS];

const role = fc.constantFrom<Role>('t1', 't1', 't2', 't2', 't3', 'ghost', 'home-a', 'home-b');
const sharedRole = fc.constantFrom<Role>('t1', 't2', 't3', 'ghost');
const tenant = fc.constantFrom(...TENANTS);
const sharedOrHome = fc.oneof({ arbitrary: sharedRole, weight: 7 }, { arbitrary: tenant, weight: 1 });
const sync: fc.Arbitrary<SyncId> = fc.record({ home: tenant, name: fc.constantFrom('x', 'y') });
const account: fc.Arbitrary<AccountId> = fc.record({ home: tenant, name: fc.constantFrom('one', 'two') });
const name = fc.constantFrom(...CONFIG_MAP_NAMES);
const sourceName = fc.constantFrom('s1', 's2');
const anyPlace: fc.Arbitrary<PlaceId> = fc.record({ role, name });
const sourcePlace: fc.Arbitrary<PlaceId> = fc.record({ role: tenant, name: sourceName });
const place = fc.oneof({ arbitrary: anyPlace, weight: 3 }, { arbitrary: sourcePlace, weight: 2 });
const rarely = fc.constantFrom(false, false, false, false, true);

const content: fc.Arbitrary<ContentId> = fc.record({
  data: fc.dictionary(fc.constantFrom('k1', 'k2'), fc.constantFrom('', 'red', 'green', 'ü'), {}),
  binaryData: fc.dictionary(fc.constant('b1'), fc.constantFrom('AAEC', '/v8='), { noNullPrototype: true }),
  immutable: rarely,
});

const edit: fc.Arbitrary<ContentId> = fc.oneof(
  fc.record({ data: fc.record({ k1: fc.constantFrom('blue', 'red', null) }) }),
  fc.record({ data: fc.record({ k2: fc.constantFrom('blue', 'red', null) }) }),
  fc.record({ binaryData: fc.record({ b1: fc.constantFrom('/w==', 'AAEC', null) }) }),
  fc.constant({ immutable: true }),
);

const spec: fc.Arbitrary<SpecId> = fc
  .record({
    source: fc.record({
      name: sourceName,
      role: fc.oneof(
        { arbitrary: fc.constant('own' as const), weight: 9 },
        { arbitrary: fc.constantFrom<Role>('t1', 'home-a', 'home-b'), weight: 1 },
      ),
    }),
    targets: fc.uniqueArray(role, { maxLength: 4 }),
    selector: fc.constantFrom('none' as const, 'none' as const, 'share' as const, 'not-share' as const),
    account: fc.constantFrom('one' as const, 'one' as const, 'two' as const),
    target: fc.record(
      {
        name,
        labels: fc.record({ tier: fc.constantFrom('web', 'db') }, { requiredKeys: [] }),
        annotations: fc.record({ hint: fc.constantFrom('a', 'b') }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    ),
    keys: fc.constantFrom<string[]>([], [], ['k1'], ['k2', 'b1'], ['k1', 'zz']),
    conflictPolicy: fc.constantFrom('Fail' as const, 'Fail' as const, 'Overwrite' as const),
    deletionPolicy: fc.constantFrom('Delete' as const, 'Delete' as const, 'Orphan' as const),
    sourceDeletionPolicy: fc.constantFrom('Retain' as const, 'Delete' as const),
    suspend: fc.constantFrom(false, false, false, false, false, true),
  })
  // The schema wants at least one of the two.
  .map((value) =>
    value.targets.length === 0 && value.selector === 'none' ? { ...value, targets: ['t1' as const] } : value,
  );

const fields = fc.oneof(
  fc.constantFrom<(keyof SpecId)[]>(
    ['targets', 'selector'],
    ['target'],
    ['source'],
    ['account'],
    ['suspend'],
  ),
  fc.uniqueArray(
    fc.constantFrom<keyof SpecId>('keys', 'conflictPolicy', 'deletionPolicy', 'sourceDeletionPolicy'),
    { minLength: 1 },
  ),
);

const verbs = fc.oneof(
  { arbitrary: fc.constant(ALL), weight: 4 },
  // What the contract asks for, without a watch.
  { arbitrary: fc.constant(ALL.slice(0, 4)), weight: 2 },
  { arbitrary: fc.constantFrom(...ALL).map((one) => ALL.filter((verb) => verb !== one)), weight: 3 },
  { arbitrary: fc.subarray(ALL), weight: 2 },
  { arbitrary: fc.constant<string[]>([]), weight: 2 },
);

/** A ConfigMapSync that is new. */
export const creation: fc.Arbitrary<Step> = fc.record({ do: fc.constant('put-sync' as const), sync, spec });

/** One thing that happens. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: creation, weight: 6 },
  { arbitrary: fc.record({ do: fc.constant('change-sync' as const), sync, spec, fields }), weight: 10 },
  {
    arbitrary: fc.record({
      do: fc.constant('delete-sync' as const),
      sync,
      propagation: fc.constantFrom(
        'Background' as const,
        'Background' as const,
        'Foreground' as const,
        'Orphan' as const,
      ),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('create-config-map' as const),
      place,
      content,
      forgeMarkOf: fc.option(sync, { nil: undefined, freq: 4 }),
    }),
    weight: 6,
  },
  { arbitrary: fc.record({ do: fc.constant('edit-config-map' as const), place, content: edit }), weight: 10 },
  {
    arbitrary: fc.record({
      do: fc.constant('scribble' as const),
      place,
      what: fc.constantFrom<Scribble>(
        'add-label',
        'add-annotation',
        'drop-owner-mark',
        'drop-managed-by',
        'drop-owner-name',
        'owner-mark-of-the-dead',
      ),
    }),
    weight: 4,
  },
  { arbitrary: fc.record({ do: fc.constant('delete-config-map' as const), place }), weight: 6 },
  { arbitrary: fc.record({ do: fc.constant('grant' as const), account, role, verbs }), weight: 10 },
  {
    arbitrary: fc.record({
      do: fc.constantFrom('create-account' as const, 'delete-account' as const),
      account,
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ do: fc.constant('create-namespace' as const), role }), weight: 3 },
  { arbitrary: fc.record({ do: fc.constant('delete-namespace' as const), role: sharedOrHome }), weight: 2 },
  {
    arbitrary: fc.record({
      do: fc.constant('label-namespace' as const),
      role: sharedRole,
      share: fc.constantFrom('yes' as const, 'no' as const),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('refuse' as const),
      role: fc.constantFrom<Role>('t1', 't1', 't2', 't2', 't3', 'ghost'),
      by: fc.constantFrom<Refusing>('CREATE', 'UPDATE', 'UPDATE', 'DELETE', 'quota'),
    }),
    weight: 10,
  },
  { arbitrary: fc.record({ do: fc.constant('lift' as const), role: sharedRole }), weight: 5 },
  { arbitrary: fc.record({ do: fc.constant('slow-webhook' as const), role: sharedRole }), weight: 1 },
  {
    arbitrary: fc.record({
      do: fc.constant('disturb' as const),
      how: fc.constantFrom<FaultKind>(
        'reviews-503',
        'reviews-503',
        'writes-500',
        'throttled',
        'slow',
        'reset',
      ),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('end-operator' as const),
      how: fc.constantFrom('SIGTERM' as const, 'SIGKILL' as const),
      back: fc.boolean(),
    }),
    weight: 2,
  },
);

/** What happens before each look at the world: several things at once, so that they race with the operator. */
export interface Story {
  /** Present from the start. */
  first: { sync: SyncId; spec: SpecId }[];
  batches: Step[][];
}

export const stories: fc.Arbitrary<Story> = fc
  .noBias(
    fc.record({
      first: fc.array(fc.record({ sync, spec }), { minLength: 1, maxLength: 4, size: 'max' }),
      batches: fc.array(fc.array(step, { minLength: 1, maxLength: 7, size: 'max' }), {
        minLength: 2,
        maxLength: 8,
        size: 'max',
      }),
    }),
  )
  // Plain objects, so that a failure prints as JSON.
  .map((story) => JSON.parse(JSON.stringify(story)) as Story);
