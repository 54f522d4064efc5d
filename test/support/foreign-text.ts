import fc from 'fast-check';

/** What a terminal must not be sent, beside line feeds: it would move the cursor, end a line or turn its direction. */
export const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const GRANT = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'owned' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'evil' }],
};

/** A manifest that makes its author an administrator. */
export const TAKEOVER = `---\n${JSON.stringify(GRANT)}\n---\n# `;

const PIECES = [
  ...['\n', '\r', '\r\n', '\u0085', '\u2028', '\u2029', '\u001b[2J', '\u009b2J', '\u0007', '\u202e'],
  ...['\u200b', '\ufeff', '\u{e0041}', '#', '---', '...', ': ', '"', "'", '|', '>', '{', '\t', '\u0000'],
  ...['\n---\n', '\n...\n', `\n${TAKEOVER}`, '\nkind: Role', '\\', '<', '%', '&a', '*a', '!!binary '],
];

/** What a tenant or a server may write: anything, and often what is meant to break out of a line. */
export function foreignText(): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...PIECES) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  );
  return fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
}

/** Texts of 1 MiB that make a careless expression try again at each of its characters. */
export function longTexts(): [string, string][] {
  const repeated = [
    ...[
      '<',
      '>',
      '<a',
      ' ',
      '\n',
      '\r',
      '\t',
      ' \n',
      '\u001b',
      '\u009b',
      '\u202e',
      '\u2028',
      '&',
      '"',
      '\\',
      '-',
    ],
    ...[
      '.',
      'a',
      'a.',
      'eyJ',
      'eyJaaaaaaaaaa.',
      'bearer ',
      'Bearer',
      '://',
      '://a',
      '@',
      'password',
      'password=',
      ':',
    ],
    ...['authorization: ', 'token', '/', '[', '{', '0', '"\n', '\ud83d', 'é', '\u0000'],
  ];
  const length = 1024 * 1024;
  return [
    ...repeated.map((text): [string, string] => [JSON.stringify(text), text.repeat(length / text.length)]),
    ['"bearer" and spaces', `bearer${' '.repeat(length)}`],
    ['"password" and spaces', `password${' '.repeat(length)}`],
    ['"authorization:" and letters', `authorization: ${'a'.repeat(length)}`],
    ['an error message and spaces', `error:${' '.repeat(length)}x`],
  ];
}
