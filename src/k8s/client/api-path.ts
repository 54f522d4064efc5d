/** Where a resource lives below the API server's root. */
export interface ResourcePath {
  /** '' is the core group. */
  group: string;
  version: string;
  /** Left out for a cluster-scoped resource, and for a list or watch of all namespaces. */
  namespace?: string | undefined;
  /** The plural, such as `namespaces`. */
  resource: string;
  name?: string | undefined;
  /** May be of several segments, such as `proxy/metrics`: none of them may be user input. */
  subresource?: string | undefined;
}

/** The URL path of a resource. Namespace and name are encoded, so that no name reaches another resource. */
export function apiPath(parts: ResourcePath): string {
  const root = parts.group === '' ? '/api' : `/apis/${parts.group}`;
  const namespace = parts.namespace === undefined ? '' : `/namespaces/${segment(parts.namespace)}`;
  const name = parts.name === undefined ? '' : `/${segment(parts.name)}`;
  const subresource = parts.subresource === undefined ? '' : `/${parts.subresource}`;
  return `${root}/${parts.version}${namespace}/${parts.resource}${name}${subresource}`;
}

/**
 * '' would make it a request for all objects; `.` and `..` survive encoding, and what normalises the path resolves them.
 * @throws RangeError for those three.
 */
function segment(value: string): string {
  if (value === '' || value === '.' || value === '..') {
    throw new RangeError(`"${value}" is no name of a Kubernetes object`);
  }
  return encodeURIComponent(value);
}

export type Query = Record<string, string | number | boolean | undefined>;

/** `?a=b&c=d`, encoded; '' where nothing is set. */
export function queryString(query: Query | undefined): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}
