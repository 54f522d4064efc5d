import js from '@eslint/js';
import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

/** Imports point down only: each layer, and the layers that it must not know. */
const layers = ['controller', 'reporting', 'telemetry', 'tenant', 'sync', 'api', 'k8s'];
const zones = [
  // k8s is a controller runtime of its own: it knows nothing of ConfigMapSync, only Kubernetes' own types.
  { target: './src/k8s', from: './src', except: ['./k8s', './api/kubernetes.ts'] },
  // sync is pure: models and its own files, no I/O.
  { target: './src/sync', from: './src', except: ['./sync', './api'] },
  { target: './src/api', from: './src', except: ['./api'] },
  { target: './src/tenant', from: './src', except: ['./tenant', './k8s', './api'] },
  { target: './src/reporting', from: './src/controller' },
  { target: './src/telemetry', from: './src', except: ['./telemetry', './k8s'] },
  { target: './src/controller', from: './src/telemetry' },
  // What is run by hand needs no tests, and what is shipped needs neither.
  // Only benchmarks set up what tests do: slow webhooks and the like.
  {
    target: ['rig', 'demo', 'control-plane', 'bundle', 'crd', 'image', 'test'].map(
      (each) => `./hack/${each}`,
    ),
    from: './test',
  },
  { target: './src', from: ['./hack', './test'] },
  ...layers.map((layer) => ({ target: `./src/${layer}`, from: './src/cli' })),
].map((zone) => ({ ...zone, message: 'imports point down only (docs/contributing.md, "Layers")' }));

const addresses = [
  'Literal[value=/\\/(configmaps|secrets)\\b/]',
  'TemplateElement[value.raw=/\\/(configmaps|secrets)\\b/]',
];
/** The only door to tenant resources is src/tenant. */
const doors = [
  ...addresses.map((selector) => ({
    selector,
    message: 'only src/tenant may address ConfigMaps or Secrets',
  })),
  {
    selector: 'Literal[value=/serviceaccounts\\/.*token/]',
    message: 'only src/tenant may request tokens',
  },
];
/** Ways to standard output and error that make nothing harmless of a tenant's or a server's text. */
const outputs = [
  'MemberExpression[property.name=/^(write|writev|end|pipe|pipeTo|cork|write(File)?Sync)$/]',
  'MemberExpression[computed=true][property.value=/^(write|end|pipe)$/]',
  'Identifier[name=/^(console|pipeline|createWriteStream|writeFile|writeSync|writeFileSync|WriteStream)$/]',
].map((selector) => ({ selector, message: 'write by src/cli/terminal.ts: it makes foreign texts harmless' }));

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/', 'bundle/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] }, extensions: ['.ts', '.js'] }),
      ],
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/prefer-nullish-coalescing': [
        'error',
        { ignorePrimitives: { boolean: true, string: true } },
      ],
      // The models are shapes of JSON: what the API server sends is no instance, and a spread loses nothing.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-misused-spread': [
        'error',
        { allow: [{ from: 'file', name: ['ConfigMapSync', 'ConfigMapSyncStatus'] }] },
      ],
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      eqeqeq: ['error', 'always'],
    },
  },
  {
    // An expression that takes long for some text would stop the whole operator.
    files: ['src/**/*.ts', 'src/**/*.js'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/tenant/**'],
    rules: { 'no-restricted-syntax': ['error', ...doors] },
  },
  {
    files: ['src/main.ts', 'src/cli/**/*.ts'],
    ignores: ['src/cli/terminal.ts'],
    rules: { 'no-restricted-syntax': ['error', ...doors, ...outputs] },
  },
  {
    // Runs in the browser that shows the report: a script, no module.
    files: ['src/cli/audit/report/report.js'],
    languageOptions: {
      sourceType: 'script',
      globals: Object.fromEntries(
        ['document', 'getComputedStyle', 'getSelection', 'navigator', 'ResizeObserver', 'setTimeout'].map(
          (name) => [name, 'readonly'],
        ),
      ),
    },
    rules: { eqeqeq: ['error', 'always'] },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
);
