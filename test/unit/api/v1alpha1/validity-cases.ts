/** A spec that both the parser and the API server take, or both refuse, naming the same field. */
export interface ValidityCase {
  title: string;
  spec: unknown;
  /** Left out: the spec is accepted. */
  refusedAt?: string;
}

/** A valid spec but for what the case is about. */
function spec(overrides: Record<string, unknown>): Record<string, unknown> {
  return { source: { name: 'sync-me-cm' }, syncToNamespaces: ['foo'], ...overrides };
}

const source = (value: unknown): unknown => spec({ source: value });
const sourceName = (name: unknown): unknown => source({ name });
const sourceNamespace = (namespace: unknown): unknown => source({ name: 'sync-me-cm', namespace });
const namespaces = (syncToNamespaces: unknown): unknown => spec({ syncToNamespaces });
const selector = (namespaceSelector: unknown): unknown => spec({ namespaceSelector });
const requirement = (value: unknown): unknown => selector({ matchExpressions: [value] });
const account = (name: unknown): unknown => spec({ serviceAccount: { name } });
const keys = (value: unknown): unknown => spec({ keys: value });
const labels = (value: unknown): unknown => spec({ target: { labels: value } });
const label = (key: string, value: unknown = 'x'): unknown => labels({ [key]: value });
const annotations = (value: unknown): unknown => spec({ target: { annotations: value } });
const annotation = (key: string, value: unknown = 'x'): unknown => annotations({ [key]: value });

const many = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));
const entries = (count: number, key: (index: number) => string, value: string): Record<string, string> =>
  Object.fromEntries(many(count, (index) => [key(index), value]));

/** The longest prefix of a key, 253 characters, and the longest name after it. */
const LONGEST_PREFIX = `${'p'.repeat(251)}.p`;
const LONGEST_KEY = `${LONGEST_PREFIX}/${'n'.repeat(63)}`;
/** JSON.parse makes an own property of it, as a file may. */
const PROTO = JSON.parse('{"__proto__": "x"}') as unknown;

const spelling: ValidityCase[] = [
  { title: 'the least that is needed', spec: spec({}) },
  { title: 'no spec', spec: undefined, refusedAt: 'spec' },
  { title: 'a spec that is null', spec: null, refusedAt: 'spec' },
  { title: 'a spec that is a list', spec: [], refusedAt: 'spec' },
  { title: 'a field that does not exist', spec: spec({ sources: {} }), refusedAt: 'spec.sources' },
  {
    title: 'a nested field that does not exist',
    spec: source({ name: 'a', kind: 'Secret' }),
    refusedAt: 'spec.source.kind',
  },
  {
    title: 'optional fields that are null',
    spec: spec({ target: null, keys: null, namespaceSelector: null }),
  },
  {
    title: 'fields with a default that are null',
    spec: spec({ suspend: null, serviceAccount: null, deletionPolicy: null }),
  },
];

const sources: ValidityCase[] = [
  { title: 'no source', spec: { syncToNamespaces: ['foo'] }, refusedAt: 'spec.source' },
  { title: 'a source that is a string', spec: source('sync-me-cm'), refusedAt: 'spec.source' },
  { title: 'a source without a name', spec: source({}), refusedAt: 'spec.source.name' },
  { title: 'a source whose name is null', spec: sourceName(null), refusedAt: 'spec.source.name' },
  { title: 'a source whose name is empty', spec: sourceName(''), refusedAt: 'spec.source.name' },
  { title: 'a source whose name is a number', spec: sourceName(7), refusedAt: 'spec.source.name' },
  { title: 'a source name of one digit', spec: sourceName('1') },
  { title: 'a source name with dots', spec: sourceName('kube-root-ca.crt') },
  { title: 'a source name of 253 characters', spec: sourceName('a'.repeat(253)) },
  {
    title: 'a source name of 254 characters',
    spec: sourceName('a'.repeat(254)),
    refusedAt: 'spec.source.name',
  },
  { title: 'a source name in upper case', spec: sourceName('Sync'), refusedAt: 'spec.source.name' },
  { title: 'a source name with two dots in a row', spec: sourceName('a..b'), refusedAt: 'spec.source.name' },
  {
    title: 'a source name with a line break at its end',
    spec: sourceName('a\n'),
    refusedAt: 'spec.source.name',
  },
  { title: 'a source namespace', spec: sourceNamespace('team-a') },
  { title: 'a source namespace of 63 characters', spec: sourceNamespace('n'.repeat(63)) },
  {
    title: 'a source namespace of 64 characters',
    spec: sourceNamespace('n'.repeat(64)),
    refusedAt: 'spec.source.namespace',
  },
  {
    title: 'a source namespace with a dot',
    spec: sourceNamespace('team.a'),
    refusedAt: 'spec.source.namespace',
  },
  {
    title: 'a source namespace that is empty',
    spec: sourceNamespace(''),
    refusedAt: 'spec.source.namespace',
  },
];

const targets: ValidityCase[] = [
  { title: 'neither namespaces nor a selector', spec: { source: { name: 'a' } }, refusedAt: 'spec' },
  { title: 'an empty list of namespaces', spec: namespaces([]), refusedAt: 'spec' },
  { title: 'namespaces that are null', spec: namespaces(null), refusedAt: 'spec' },
  {
    title: 'an empty list of namespaces beside a selector',
    spec: spec({ syncToNamespaces: [], namespaceSelector: {} }),
  },
  {
    title: 'a selector alone',
    spec: { source: { name: 'a' }, namespaceSelector: { matchLabels: { share: 'ca' } } },
  },
  { title: 'a system namespace', spec: namespaces(['kube-system']) },
  {
    title: 'a namespace twice',
    spec: namespaces(['foo', 'bar', 'foo']),
    refusedAt: 'spec.syncToNamespaces[2]',
  },
  {
    title: 'a namespace with an underscore',
    spec: namespaces(['foo', 'b_r']),
    refusedAt: 'spec.syncToNamespaces[1]',
  },
  {
    title: 'a namespace that begins with a dash',
    spec: namespaces(['-foo']),
    refusedAt: 'spec.syncToNamespaces[0]',
  },
  { title: 'a namespace that is null', spec: namespaces([null]), refusedAt: 'spec.syncToNamespaces[0]' },
  { title: 'a namespace that is a wildcard', spec: namespaces(['*']), refusedAt: 'spec.syncToNamespaces[0]' },
  { title: 'namespaces that are a string', spec: namespaces('foo'), refusedAt: 'spec.syncToNamespaces' },
  { title: '1,000 namespaces', spec: namespaces(many(1000, (index) => `n${index}`)) },
  {
    title: '1,001 namespaces',
    spec: namespaces(many(1001, (index) => `n${index}`)),
    refusedAt: 'spec.syncToNamespaces',
  },
];

const EXPRESSIONS = 'spec.namespaceSelector.matchExpressions';
const selectors: ValidityCase[] = [
  { title: 'a selector of everything', spec: selector({}) },
  { title: 'a selector of empty parts', spec: selector({ matchLabels: {}, matchExpressions: [] }) },
  { title: 'a selector that is a string', spec: selector('share=ca'), refusedAt: 'spec.namespaceSelector' },
  { title: 'In with values', spec: requirement({ key: 'a.b/c', operator: 'In', values: ['x', ''] }) },
  {
    title: 'In without values',
    spec: requirement({ key: 'a', operator: 'In' }),
    refusedAt: `${EXPRESSIONS}[0]`,
  },
  {
    title: 'NotIn with no value',
    spec: requirement({ key: 'a', operator: 'NotIn', values: [] }),
    refusedAt: `${EXPRESSIONS}[0]`,
  },
  {
    title: 'Exists with values that are null',
    spec: requirement({ key: 'a', operator: 'Exists', values: null }),
  },
  { title: 'Exists', spec: requirement({ key: 'a', operator: 'Exists' }) },
  {
    title: 'DoesNotExist with an empty list',
    spec: requirement({ key: 'a', operator: 'DoesNotExist', values: [] }),
  },
  {
    title: 'Exists with values',
    spec: requirement({ key: 'a', operator: 'Exists', values: ['x'] }),
    refusedAt: `${EXPRESSIONS}[0]`,
  },
  {
    title: 'an operator that does not exist',
    spec: requirement({ key: 'a', operator: 'Gt', values: ['1'] }),
    refusedAt: `${EXPRESSIONS}[0].operator`,
  },
  {
    title: 'a requirement without an operator',
    spec: requirement({ key: 'a' }),
    refusedAt: `${EXPRESSIONS}[0].operator`,
  },
  {
    title: 'a requirement without a key',
    spec: requirement({ operator: 'Exists' }),
    refusedAt: `${EXPRESSIONS}[0].key`,
  },
  { title: 'a requirement that is a string', spec: requirement('a'), refusedAt: `${EXPRESSIONS}[0]` },
  { title: 'the longest key of a requirement', spec: requirement({ key: LONGEST_KEY, operator: 'Exists' }) },
  {
    title: 'a key whose prefix is too long',
    spec: requirement({ key: `p${LONGEST_PREFIX}/n`, operator: 'Exists' }),
    refusedAt: `${EXPRESSIONS}[0].key`,
  },
  {
    title: 'a key whose name is too long',
    spec: requirement({ key: 'n'.repeat(64), operator: 'Exists' }),
    refusedAt: `${EXPRESSIONS}[0].key`,
  },
  {
    title: 'a value that is no label value',
    spec: requirement({ key: 'a', operator: 'In', values: ['-'] }),
    refusedAt: `${EXPRESSIONS}[0].values[0]`,
  },
  {
    title: 'the most requirements',
    spec: selector({
      matchExpressions: many(64, () => ({
        key: LONGEST_KEY,
        operator: 'In',
        values: many(40, () => 'v'.repeat(63)),
      })),
    }),
  },
  {
    title: 'too many requirements',
    spec: selector({ matchExpressions: many(65, () => ({ key: 'a', operator: 'Exists' })) }),
    refusedAt: EXPRESSIONS,
  },
  {
    title: 'too many values',
    spec: requirement({ key: 'a', operator: 'In', values: many(1001, () => 'x') }),
    refusedAt: `${EXPRESSIONS}[0].values`,
  },
  {
    title: 'a label to match that is no label',
    spec: selector({ matchLabels: { 'a b': 'x' } }),
    refusedAt: 'spec.namespaceSelector.matchLabels',
  },
  {
    title: 'a value to match that is no label value',
    spec: selector({ matchLabels: { a: 'x y' } }),
    refusedAt: 'spec.namespaceSelector.matchLabels',
  },
  {
    title: 'the reserved label in a selector',
    spec: selector({ matchLabels: { 'app.kubernetes.io/managed-by': 'x' } }),
  },
];

const NAME = 'spec.serviceAccount.name';
const accounts: ValidityCase[] = [
  { title: 'a ServiceAccount without a name', spec: spec({ serviceAccount: {} }) },
  { title: 'a ServiceAccount of one letter', spec: account('a') },
  { title: 'a ServiceAccount that begins with a digit', spec: account('1st') },
  { title: 'a ServiceAccount with dots', spec: account('sync.v1.example.com') },
  { title: 'a ServiceAccount of 253 characters', spec: account('s'.repeat(253)) },
  { title: 'a ServiceAccount of 254 characters', spec: account('s'.repeat(254)), refusedAt: NAME },
  { title: 'a ServiceAccount whose name is empty', spec: account(''), refusedAt: NAME },
  { title: 'a ServiceAccount in upper case', spec: account('Sync'), refusedAt: NAME },
  { title: 'a ServiceAccount of another namespace', spec: account('team-b/sync'), refusedAt: NAME },
  {
    title: 'a ServiceAccount as a user name',
    spec: account('system:serviceaccount:team-b:sync'),
    refusedAt: NAME,
  },
  { title: 'a ServiceAccount with a path', spec: account('../sync'), refusedAt: NAME },
  { title: 'a ServiceAccount that ends with a dash', spec: account('sync-'), refusedAt: NAME },
  {
    title: 'a ServiceAccount with a namespace field',
    spec: spec({ serviceAccount: { name: 'a', namespace: 'b' } }),
    refusedAt: 'spec.serviceAccount.namespace',
  },
  {
    title: 'a ServiceAccount that is a string',
    spec: spec({ serviceAccount: 'default' }),
    refusedAt: 'spec.serviceAccount',
  },
];

const dataKeys: ValidityCase[] = [
  { title: 'keys of all kinds', spec: keys(['ca.crt', '.hidden', '_x', '-', 'A.b-C_d', 'x..y', '.x..']) },
  { title: 'no keys', spec: keys([]), refusedAt: 'spec.keys' },
  { title: 'a key twice', spec: keys(['a', 'a']), refusedAt: 'spec.keys[1]' },
  { title: 'a key of 253 characters', spec: keys(['k'.repeat(253)]) },
  { title: 'a key of 254 characters', spec: keys(['k'.repeat(254)]), refusedAt: 'spec.keys[0]' },
  { title: 'an empty key', spec: keys(['']), refusedAt: 'spec.keys[0]' },
  { title: 'the key "."', spec: keys(['.']), refusedAt: 'spec.keys[0]' },
  { title: 'the key ".."', spec: keys(['..']), refusedAt: 'spec.keys[0]' },
  { title: 'a key that begins with ".."', spec: keys(['..data']), refusedAt: 'spec.keys[0]' },
  { title: 'a key with a slash', spec: keys(['a/b']), refusedAt: 'spec.keys[0]' },
  { title: 'a key with an umlaut', spec: keys(['schlüssel']), refusedAt: 'spec.keys[0]' },
  { title: '1,001 keys', spec: keys(many(1001, (index) => `k${index}`)), refusedAt: 'spec.keys' },
];

const LABELS = 'spec.target.labels';
const ANNOTATIONS = 'spec.target.annotations';
const templates: ValidityCase[] = [
  { title: 'an empty target', spec: spec({ target: {} }) },
  { title: 'another name for the copies', spec: spec({ target: { name: 'other-name' } }) },
  {
    title: 'an impossible name for the copies',
    spec: spec({ target: { name: 'Other' } }),
    refusedAt: 'spec.target.name',
  },
  { title: 'a label with a prefix and an empty value', spec: label('example.com/team', '') },
  {
    title: 'labels that JavaScript knows by another meaning',
    spec: labels({ constructor: 'x', toString: 'x', hasOwnProperty: 'x' }),
  },
  { title: 'a label whose value is null', spec: labels({ a: null, b: 'x' }) },
  { title: 'labels that are null', spec: labels(null) },
  { title: 'labels that are a list', spec: labels(['a']), refusedAt: LABELS },
  { title: 'a label named __proto__', spec: labels(PROTO), refusedAt: LABELS },
  { title: 'the longest label', spec: label(LONGEST_KEY, 'v'.repeat(63)) },
  { title: 'a label whose value is too long', spec: label('a', 'v'.repeat(64)), refusedAt: LABELS },
  { title: 'a label whose value is a number', spec: label('a', 1), refusedAt: LABELS },
  { title: 'a label whose value ends with a dash', spec: label('a', 'v-'), refusedAt: LABELS },
  { title: 'a label whose name is empty', spec: label('example.com/'), refusedAt: LABELS },
  { title: 'a label whose prefix is empty', spec: label('/team'), refusedAt: LABELS },
  { title: 'a label with two slashes', spec: label('a/b/c'), refusedAt: LABELS },
  { title: 'a label whose prefix is in upper case', spec: label('Example.com/team'), refusedAt: LABELS },
  { title: 'a label whose prefix is too long', spec: label(`p${LONGEST_PREFIX}/n`), refusedAt: LABELS },
  { title: 'a label whose name is too long', spec: label('n'.repeat(64)), refusedAt: LABELS },
  { title: 'a label of ours', spec: label('configmapsync.io/owner-uid'), refusedAt: LABELS },
  { title: 'a label below our prefix', spec: label('later.configmapsync.io/x'), refusedAt: LABELS },
  { title: 'a label with a prefix that only ends like ours', spec: label('myconfigmapsync.io/x') },
  { title: 'a label that is named like our prefix', spec: label('example.com/configmapsync.io') },
  { title: 'the label managed-by', spec: label('app.kubernetes.io/managed-by', 'me'), refusedAt: LABELS },
  { title: 'another of the recommended labels', spec: label('app.kubernetes.io/part-of', 'me') },
  {
    title: '64 of the longest labels',
    spec: labels(entries(64, (index) => `${LONGEST_KEY.slice(0, -2)}${index + 10}`, 'v'.repeat(63))),
  },
  { title: '65 labels', spec: labels(entries(65, (index) => `l${index}`, 'x')), refusedAt: LABELS },
  { title: 'an annotation of any text', spec: annotation('example.com/note', 'Größe: 1 MiB\n{"a": 1}') },
  { title: 'an annotation whose prefix is in upper case', spec: annotation('Example.com/note') },
  { title: 'an annotation whose name is impossible', spec: annotation('a note'), refusedAt: ANNOTATIONS },
  {
    title: 'an annotation whose prefix is too long',
    spec: annotation(`p${LONGEST_PREFIX}/n`),
    refusedAt: ANNOTATIONS,
  },
  { title: 'an annotation of 4,096 characters, not bytes', spec: annotation('a', '𝄞'.repeat(4096)) },
  {
    title: 'an annotation of 4,097 characters',
    spec: annotation('a', '𝄞'.repeat(4097)),
    refusedAt: ANNOTATIONS,
  },
  { title: 'an annotation of ours', spec: annotation('configmapsync.io/source'), refusedAt: ANNOTATIONS },
  {
    title: 'an annotation of ours in other letters',
    spec: annotation('ConfigMapSync.io/source'),
    refusedAt: ANNOTATIONS,
  },
  {
    title: 'an annotation below our prefix',
    spec: annotation('a.b.configmapsync.io/x'),
    refusedAt: ANNOTATIONS,
  },
  {
    title: 'the annotation managed-by',
    spec: annotation('app.kubernetes.io/managed-by'),
    refusedAt: ANNOTATIONS,
  },
  {
    title: '128 KiB of annotations',
    spec: annotations(entries(32, (index) => `n${index + 10}`, 'v'.repeat(4093))),
  },
  {
    title: 'a byte more than 128 KiB of annotations',
    spec: annotations({
      ...entries(32, (index) => `n${index + 10}`, 'v'.repeat(4093)),
      n10: 'v'.repeat(4094),
    }),
    refusedAt: ANNOTATIONS,
  },
  {
    title: '64 annotations with the longest keys',
    spec: annotations(entries(64, (index) => `${LONGEST_KEY.slice(0, -2)}${index + 10}`, 'v'.repeat(1000))),
  },
  {
    title: '65 annotations',
    spec: annotations(entries(65, (index) => `n${index}`, 'x')),
    refusedAt: ANNOTATIONS,
  },
];

const policies: ValidityCase[] = [
  {
    title: 'every policy',
    spec: spec({
      conflictPolicy: 'Overwrite',
      deletionPolicy: 'Orphan',
      sourceDeletionPolicy: 'Delete',
      suspend: true,
    }),
  },
  {
    title: 'a conflict policy that does not exist',
    spec: spec({ conflictPolicy: 'Merge' }),
    refusedAt: 'spec.conflictPolicy',
  },
  {
    title: 'a deletion policy of the source',
    spec: spec({ deletionPolicy: 'Retain' }),
    refusedAt: 'spec.deletionPolicy',
  },
  {
    title: 'a source deletion policy of the copies',
    spec: spec({ sourceDeletionPolicy: 'Orphan' }),
    refusedAt: 'spec.sourceDeletionPolicy',
  },
  {
    title: 'a policy in lower case',
    spec: spec({ conflictPolicy: 'fail' }),
    refusedAt: 'spec.conflictPolicy',
  },
  { title: 'suspend as a string', spec: spec({ suspend: 'true' }), refusedAt: 'spec.suspend' },
];

export const VALIDITY_CASES: readonly ValidityCase[] = [
  ...spelling,
  ...sources,
  ...targets,
  ...selectors,
  ...accounts,
  ...dataKeys,
  ...templates,
  ...policies,
];
