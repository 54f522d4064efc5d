import { InvalidArgumentError, Option } from 'commander';
import { type BindAddress, parseBindAddress } from '../telemetry/http/http-listener.js';

/** The shapes of flag values. Each says, where a value does not fit, what does. */

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A flag that is off or on: `--flag`, `--flag=true`, `--flag=false`; other than that as Go's flags have it. */
export function booleanOption(flag: string, description: string, initially: boolean): Option {
  return new Option(`${flag} [boolean]`, description).default(initially).argParser((text) => {
    if (['true', 't', '1', 'TRUE', 'True', 'T'].includes(text)) return true;
    if (['false', 'f', '0', 'FALSE', 'False', 'F'].includes(text)) return false;
    throw new InvalidArgumentError('Write true or false.');
  });
}

/** Any text; an empty one counts as not given, as kubebuilder's flags have it. */
export function textOption(flag: string, description: string): Option {
  return new Option(flag, description).argParser((text) => (text === '' ? undefined : text));
}

export function namespaceOption(flag: string, description: string): Option {
  return new Option(`${flag} <namespace>`, description).argParser((text) =>
    text === '' ? undefined : namespaceName(text),
  );
}

export function namespaceListOption(flag: string, description: string): Option {
  return new Option(`${flag} <namespaces>`, description).argParser(parseNamespaceList);
}

/**
 * Reads `a,b`, in order and without repetitions; nothing at all means none.
 * @throws InvalidArgumentError for what cannot be a namespace
 */
export function parseNamespaceList(text: string): readonly string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return [...new Set(names.map(namespaceName))];
}

/** One of a closed set of words. */
export function choiceOption<T extends string>(
  flag: string,
  description: string,
  choices: readonly T[],
  initially: T,
): Option {
  return new Option(`${flag} <${flag.slice(flag.lastIndexOf('-') + 1)}>`, description)
    .choices(choices)
    .default(initially);
}

export function integerOption(
  flag: string,
  description: string,
  initially: number,
  min: number,
  max: number,
): Option {
  return new Option(`${flag} <number>`, description).default(initially).argParser((text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
    }
    return value;
  });
}

/** In milliseconds, the bounds included. */
export function durationOption(
  flag: string,
  description: string,
  initially: number,
  min: number,
  max: number,
): Option {
  return new Option(`${flag} <duration>`, description)
    .default(initially, formatDuration(initially))
    .argParser((text) => {
      const value = readable(() => parseDuration(text));
      if (value < min || value > max) {
        throw new InvalidArgumentError(`Write from ${formatDuration(min)} to ${formatDuration(max)}.`);
      }
      return value;
    });
}

export function bindAddressOption(flag: string, description: string, initially: BindAddress): Option {
  return new Option(`${flag} <address>`, description)
    .default(initially, `:${initially.port}`)
    .argParser((text) => readable(() => parseBindAddress(text)));
}

function namespaceName(text: string): string {
  if (!NAMESPACE.test(text)) {
    throw new InvalidArgumentError(
      'A namespace has up to 63 small letters, digits and "-", and neither starts nor ends with "-".',
    );
  }
  return text;
}

/** commander tells a value that does not fit from a fault in a parser by the error's class. */
function readable<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** Where config/ installs the operator. */
const DEFAULT_OPERATOR = 'config-weaver-system/config-weaver-controller-manager';

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

/** `NAMESPACE/NAME` of the operator's ServiceAccount; its value is the user name that the API server knows it by. */
export function operatorOption(): Option {
  return new Option(
    '--operator-service-account <namespace/name>',
    'ServiceAccount of the operator, whom tenants let request tokens',
  )
    .default(operatorUsername(DEFAULT_OPERATOR), DEFAULT_OPERATOR)
    .argParser(operatorUsername);
}

function operatorUsername(text: string): string {
  const [namespace = '', name = '', ...rest] = text.split('/');
  if (!NAMESPACE.test(namespace) || !NAME.test(name) || name.length > 253 || rest.length > 0) {
    throw new InvalidArgumentError(`Write NAMESPACE/NAME, such as ${DEFAULT_OPERATOR}.`);
  }
  return `system:serviceaccount:${namespace}:${name}`;
}

const UNITS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 } as const;
type Unit = keyof typeof UNITS;

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;

/**
 * Reads a duration as Go writes it (`30s`, `1m30s`, `1.5h`, `0`), for flags that look like every other operator's.
 * A sign is refused: nothing here waits for less than nothing.
 * @returns milliseconds, fractions included
 * @throws Error with what to write instead
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  let milliseconds = 0;
  let end = 0;
  for (const part of text.matchAll(PART)) {
    milliseconds += Number(part[1]) * UNITS[part[2] as Unit];
    end = part.index + part[0].length;
  }
  if (end === 0 || end !== text.length || !Number.isFinite(milliseconds)) {
    throw new Error('Write a number and a unit (ms, s, m, h), such as 30s or 1m30s.');
  }
  return milliseconds;
}

/** The shortest spelling that {@link parseDuration} reads back: `1m30s`, `10m`, `250ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const hours = Math.floor(milliseconds / UNITS.h);
  const minutes = Math.floor((milliseconds % UNITS.h) / UNITS.m);
  const seconds = (milliseconds % UNITS.m) / UNITS.s;
  return [hours && `${hours}h`, minutes && `${minutes}m`, seconds && `${seconds}s`].filter(Boolean).join('');
}
