import { parseAllDocuments, stringify } from 'yaml';

/** Any Kubernetes object, as far as a bundle has to look into it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
}

export interface PolicyRule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
}

export interface Role extends Manifest {
  rules: PolicyRule[];
}

export interface Deployment extends Manifest {
  spec: {
    template: { spec: { serviceAccountName: string; containers: { name: string; image: string }[] } };
  };
}

/**
 * The objects of a YAML stream.
 * @throws YAMLParseError with the line of a mistake
 */
export function parseManifests(yaml: string): Manifest[] {
  return parseAllDocuments(yaml).flatMap((document) => {
    const [mistake] = document.errors;
    if (mistake !== undefined) throw mistake;
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

/** The same text for the same objects, on every machine. In YAML 1.1, as Kubernetes reads it: a bare date is no string there. */
export function manifestYaml(manifest: object): string {
  return stringify(manifest, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

/**
 * The only object of that kind and, where it is given, that name.
 * @throws Error where there is none, or more than one
 */
export function only(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter(
    (manifest) => manifest.kind === kind && (name === undefined || manifest.metadata.name === name),
  );
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(`there should be one ${kind} ${name ?? ''} in the manifests, not ${found.length}`);
  }
  return found[0];
}
