import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BindAddress } from '../telemetry/http/http-listener.js';

/** A flag with a value of this type. What does not fit is answered with what does. */
export interface Flag<T> {
  (name: string): Option;
  /** Never there: it tells the compiler the type. */
  value?: T;
}

type Flags = Readonly<Record<string, Flag<unknown>>>;
type ValueOf<F> = F extends Flag<infer T> ? T : never;
type LeftOut<F> = { [K in keyof F]: undefined extends ValueOf<F[K]> ? K : never }[keyof F];

/** What flags come to: those without an initial value are left out where they are not given. */
export type ValuesOf<F extends Flags> = { [K in Exclude<keyof F, LeftOut<F>>]: ValueOf<F[K]> } & {
  [K in LeftOut<F>]?: Exclude<ValueOf<F[K]>, undefined>;
};

/** Adds flags by the names of their values: `leaderElect` becomes `--leader-elect`. Returns what reads them. */
export function addFlags<F extends Flags>(command: Command, flags: F): () => ValuesOf<F> {
  for (const [name, option] of Object.entries(flags)) {
    command.addOption(option(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`));
  }
  return () => command.opts<ValuesOf<F>>();
}

/** The same flag, with a letter for short. */
export function short<const T>(letter: string, option: Flag<T>): Flag<T> {
  return (name) => option(`-${letter}, ${name}`);
}

/** @param shown How help writes `initially`. */
function flag<T>(
  kind: string,
  description: string,
  parse: (given: string) => T,
  initially?: T,
  shown?: string,
): Flag<T> {
  return (name) => new Option(`${name} ${kind}`, description).default(initially, shown).argParser(parse);
}

/** A flag that takes no value. */
export function bare(description: string): Flag<true | undefined> {
  return (name) => new Option(name, description);
}

/** A flag that is off or on: `--flag`, `--flag=true`, `--flag=false`; other than that as Go's flags have it. */
export function boolean(description: string, initially: boolean): Flag<boolean> {
  const parse = (given: string): boolean => {
    if (['true', 't', '1', 'TRUE', 'True', 'T'].includes(given)) return true;
    if (['false', 'f', '0', 'FALSE', 'False', 'F'].includes(given)) return false;
    throw new InvalidArgumentError('Write true or false.');
  };
  return flag('[boolean]', description, parse, initially);
}

/** Any text; an empty one counts as not given, as kubebuilder's flags have it. */
export function text(kind: string, description: string): Flag<string | undefined> {
  return flag(kind, description, (given) => (given === '' ? undefined : given));
}

export function namespace(description: string): Flag<string | undefined> {
  return flag('<namespace>', description, (given) => (given === '' ? undefined : namespaceName(given)));
}

export function namespaceList(description: string): Flag<readonly string[] | undefined> {
  return flag('<namespaces>', description, parseNamespaceList);
}

/**
 * Reads `a,b`, in order and without repetitions; nothing at all means none.
 * @throws InvalidArgumentError for what cannot be a namespace
 */
export function parseNamespaceList(given: string): readonly string[] {
  const names = given.split(',').map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== '').map(namespaceName))];
}

/** One of a closed set of words. */
export function choice<const T extends string>(
  description: string,
  choices: readonly T[],
  initially: NoInfer<T>,
): Flag<T> {
  return (name) =>
    new Option(`${name} <${name.slice(name.lastIndexOf('-') + 1)}>`, description)
      .choices(choices)
      .default(initially);
}

export function integer(description: string, initially: number, min: number, max: number): Flag<number> {
  const parse = (given: string): number => {
    const value = /^\d{1,15}$/.test(given) ? Number(given) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
  };
  return flag('<number>', description, parse, initially);
}

/** Written as Go writes durations, the bounds included; the value is in milliseconds. */
export function duration(description: string, initially: string, min: string, max: string): Flag<number> {
  const parse = (given: string): number => {
    const value = parseDuration(given);
    if (value >= parseDuration(min) && value <= parseDuration(max)) return value;
    throw new InvalidArgumentError(`Write from ${min} to ${max}.`);
  };
  return flag('<duration>', description, parse, parseDuration(initially), initially);
}

export function bindAddress(description: string, port: number): Flag<BindAddress | 'off'> {
  return flag<BindAddress | 'off'>('<address>', description, parseBindAddress, { port }, `:${port}`);
}

const ADDRESS = /^(?:\[(?<ipv6>[0-9A-Fa-f:.]+)\]|(?<host>[A-Za-z0-9.-]*)):(?<port>\d{1,5})$/;

/**
 * Reads what kubebuilder's flags take: `:8443`, `127.0.0.1:8443`, `[::1]:8443`; `0` (or nothing) means off.
 * @throws InvalidArgumentError with what to write instead
 */
export function parseBindAddress(given: string): BindAddress | 'off' {
  if (given === '0' || given === '') return 'off';
  const groups = ADDRESS.exec(given)?.groups;
  const port = Number(groups?.port);
  if (groups === undefined || port > 65535) {
    throw new InvalidArgumentError(
      'Write :PORT, HOST:PORT or [IPV6]:PORT with a port up to 65535, or 0 to turn it off.',
    );
  }
  const host = groups.ipv6 ?? groups.host ?? '';
  return host === '' ? { port } : { host, port };
}

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function namespaceName(given: string): string {
  if (NAMESPACE.test(given)) return given;
  throw new InvalidArgumentError(
    'A namespace has up to 63 small letters, digits and "-", and neither starts nor ends with "-".',
  );
}

/** Of every command but `run`. */
export const KUBECONFIG = text('<file>', 'kubeconfig file (default: as for run)');
export const FILENAME = short('f', text('<file>', 'file with ConfigMapSyncs; - for standard input'));

/** Where config/ installs the operator. */
const DEFAULT_OPERATOR = 'config-weaver-system/config-weaver-controller-manager';
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

/** `NAMESPACE/NAME` of the operator's ServiceAccount; its value is the user name that the API server knows it by. */
export const OPERATOR = flag(
  '<namespace/name>',
  'ServiceAccount of the operator, whom tenants let request tokens',
  operatorUsername,
  operatorUsername(DEFAULT_OPERATOR),
  DEFAULT_OPERATOR,
);

function operatorUsername(given: string): string {
  const [own = '', name = '', ...rest] = given.split('/');
  if (!NAMESPACE.test(own) || !NAME.test(name) || name.length > 253 || rest.length > 0) {
    throw new InvalidArgumentError(`Write NAMESPACE/NAME, such as ${DEFAULT_OPERATOR}.`);
  }
  return `system:serviceaccount:${own}:${name}`;
}

/**
 * Reads a duration as Go writes it (`30s`, `1m30s`, `1.5h`, `0`), for flags that look like every other operator's.
 * A sign is refused: nothing here waits for less than nothing.
 * @returns milliseconds, fractions included
 * @throws InvalidArgumentError with what to write instead
 */
export function parseDuration(given: string): number {
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };
  if (given === '0') return 0;
  let milliseconds = 0;
  let end = 0;
  for (const part of given.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy)) {
    milliseconds += Number(part[1]) * units[part[2] as keyof typeof units];
    end = part.index + part[0].length;
  }
  if (end === 0 || end !== given.length || !Number.isFinite(milliseconds)) {
    throw new InvalidArgumentError('Write a number and a unit (ms, s, m, h), such as 30s or 1m30s.');
  }
  return milliseconds;
}
