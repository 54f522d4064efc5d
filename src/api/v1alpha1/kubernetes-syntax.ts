import { MANAGED_BY_LABEL, RESERVED_PREFIX } from './well-known.js';
import { mapOf, text, type Rule } from '../schema/schema.js';

/*
 * Kubernetes' own syntax of names, keys and values, from k8s.io/apimachinery pkg/util/validation and
 * pkg/api/validation: neither stricter nor more lenient, for what a tenant may name must not differ from what
 * the API server accepts in a ConfigMap, a Namespace or a ServiceAccount.
 */
const labelOf = (letters: string): string => `[${letters}0-9]([-${letters}0-9]*[${letters}0-9])?`;
const subdomainOf = (letters: string): string => `${labelOf(letters)}(\\.${labelOf(letters)})*`;
const qualifiedNameOf = (letters: string): string =>
  `^(${subdomainOf(letters)}/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`;

const LABEL_KEY = qualifiedNameOf('a-z');
/** The API server lower-cases an annotation's key before it looks at it. */
const ANNOTATION_KEY = qualifiedNameOf('A-Za-z');
const MAX_PREFIX = 253;
const KEY_SYNTAX =
  'a name of at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends, and before it, if you like, a DNS prefix and "/"';

/** Names of ConfigMaps and ServiceAccounts. */
export const dnsSubdomain = text({
  minLength: 1,
  maxLength: 253,
  pattern: `^${subdomainOf('a-z')}$`,
  syntax: 'lower-case letters, digits, "-" and ".", with a letter or digit at both ends of each part',
});

/** Names of namespaces. */
export const dnsLabel = text({
  minLength: 1,
  maxLength: 63,
  pattern: `^${labelOf('a-z')}$`,
  syntax: 'lower-case letters, digits and "-", with a letter or digit at both ends',
});

/** Keys of a ConfigMap's data: file names, but not `.`, nor anything that begins with `..`. */
export const configMapKey = text({
  minLength: 1,
  maxLength: 253,
  pattern: '^\\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$',
  syntax: 'letters, digits, "-", "_" and ".", and not ".", nor begin with ".."',
});

export const labelValue = text({
  maxLength: 63,
  pattern: `^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`,
  syntax: 'empty, or letters, digits, "-", "_" and ".", with a letter or digit at both ends',
});

/** A label's key where it is a field of its own, as in a selector's requirement. */
export const labelKey = text({
  minLength: 1,
  maxLength: MAX_PREFIX + 1 + 63,
  pattern: LABEL_KEY,
  syntax: KEY_SYNTAX,
  rules: [
    {
      cel: `self.indexOf('/') <= ${MAX_PREFIX}`,
      message: `must have a prefix of at most ${MAX_PREFIX} characters`,
      holds: (key) => key.indexOf('/') <= MAX_PREFIX,
    },
  ],
});

type Entries = Readonly<Record<string, string>>;

function keysMatch(pattern: string, what: string): Rule<Entries> {
  const regExp = new RegExp(pattern, 'u');
  return {
    cel: `self.all(key, key.matches(r'${pattern}') && key.indexOf('/') <= ${MAX_PREFIX})`,
    message: `each ${what}'s key must be ${KEY_SYNTAX} (at most ${MAX_PREFIX} characters)`,
    holds: (entries) =>
      Object.keys(entries).every(
        (key) => key.length <= MAX_PREFIX + 64 && regExp.test(key) && key.indexOf('/') <= MAX_PREFIX,
      ),
  };
}

/**
 * Our marks decide what is overwritten and deleted. Subdomains of our prefix are kept for later, as Kubernetes
 * keeps those of kubernetes.io. An annotation's prefix is compared as the API server does: in lower case.
 */
const RESERVED: Rule<Entries> = {
  cel: `self.all(key, key != '${MANAGED_BY_LABEL}' && !key.lowerAscii().startsWith('${RESERVED_PREFIX}') && !key.lowerAscii().contains('.${RESERVED_PREFIX}'))`,
  message: `${MANAGED_BY_LABEL} and keys that begin with ${RESERVED_PREFIX} or a subdomain of it are set by config-weaver itself: take them out, or use a prefix of your own`,
  holds: (entries) =>
    Object.keys(entries).every(
      (key) => key !== MANAGED_BY_LABEL && !`.${key.toLowerCase()}`.includes(`.${RESERVED_PREFIX}`),
    ),
};

/** Half of what Kubernetes allows an object (256 KiB): the other half is for our marks and other people's. */
const MAX_ANNOTATIONS_BYTES = 128 * 1024;

const BOUNDED: Rule<Entries> = {
  cel: `self.map(key, size(bytes(key)) + size(bytes(self[key]))).sum() <= ${MAX_ANNOTATIONS_BYTES}`,
  message:
    'keys and values together must be at most 128 KiB: take some out, or keep long texts in a ConfigMap',
  holds: (entries) => Buffer.byteLength(Object.entries(entries).flat().join('')) <= MAX_ANNOTATIONS_BYTES,
};

const maxProperties = 64;

/** The labels that a namespace must have to match. */
export const selectedLabels = mapOf(labelValue, { maxProperties, rules: [keysMatch(LABEL_KEY, 'label')] });

/** Labels that a user adds to the copies. */
export const labels = mapOf(labelValue, { maxProperties, rules: [keysMatch(LABEL_KEY, 'label'), RESERVED] });

/** Annotations that a user adds to the copies. */
export const annotations = mapOf(text({ maxLength: 4096 }), {
  maxProperties,
  rules: [keysMatch(ANNOTATION_KEY, 'annotation'), RESERVED, BOUNDED],
});
