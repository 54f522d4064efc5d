/**
 * Carries a value past class-transformer, which reads into every object that it meets: it drops keys such as
 * `toString`, and fails at `constructor`, both fine labels in Kubernetes. Functions it passes on as they are,
 * and JSON holds none, so that a sealed value is never taken for anything else.
 */
export type Sealed = () => unknown;

export function seal(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (): unknown => value : value;
}

export function unseal(value: unknown): unknown {
  return typeof value === 'function' ? (value as Sealed)() : value;
}
