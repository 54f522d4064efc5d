import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import type { Role, SpecId } from './steps.js';

/** What a story has in roles, in the namespaces of one world. */
export class SpecWriter {
  readonly #world: string;
  readonly #namespaceOf: (role: Role) => string;

  /** @param world Value of the label `world` on its namespaces, so that a selector reaches no others. */
  constructor(world: string, namespaceOf: (role: Role) => string) {
    this.#world = world;
    this.#namespaceOf = namespaceOf;
  }

  write({ source, targets, selector, account, target, keys, ...policies }: SpecId): ConfigMapSyncSpec {
    // A namespace of a story has always one of the two.
    const withoutShare = { none: undefined, share: 'no', 'not-share': 'yes' }[selector];
    return {
      ...policies,
      source: {
        name: source.name,
        ...(source.role === 'own' ? {} : { namespace: this.#namespaceOf(source.role) }),
      },
      ...(targets.length > 0 && { syncToNamespaces: targets.map((role) => this.#namespaceOf(role)) }),
      ...(withoutShare && {
        namespaceSelector: {
          matchLabels: { world: this.#world },
          matchExpressions: [{ key: 'share', operator: 'NotIn', values: [withoutShare] }],
        },
      }),
      serviceAccount: { name: account },
      ...(Object.keys(target).length > 0 && { target }),
      ...(keys.length > 0 && { keys }),
    };
  }

  /** `before` with only these fields as `spec` says. */
  change(before: ConfigMapSyncSpec, spec: SpecId, fields: readonly (keyof SpecId)[]): ConfigMapSyncSpec {
    const changed = new Set<string>(fields.map((field) => API_FIELDS[field]));
    const kept = Object.entries(before).filter(([field]) => !changed.has(field));
    const taken = Object.entries(this.write(spec)).filter(([field]) => changed.has(field));
    return Object.fromEntries([...kept, ...taken]) as unknown as ConfigMapSyncSpec;
  }
}

const API_FIELDS: Record<keyof SpecId, keyof ConfigMapSyncSpec> = {
  source: 'source',
  targets: 'syncToNamespaces',
  selector: 'namespaceSelector',
  account: 'serviceAccount',
  target: 'target',
  keys: 'keys',
  conflictPolicy: 'conflictPolicy',
  deletionPolicy: 'deletionPolicy',
  sourceDeletionPolicy: 'sourceDeletionPolicy',
  suspend: 'suspend',
};
