import type { Manifest } from './manifest.js';
import { parse } from 'yaml';

/** One release in a channel. */
export interface ChannelEntry {
  name: string;
  replaces?: string;
  skips?: string[];
  skipRange?: string;
}

export interface Channel {
  schema: 'olm.channel';
  package: string;
  name: string;
  entries: ChannelEntry[];
}

export interface Package {
  schema: 'olm.package';
  name: string;
  defaultChannel: string;
}

/** What catalog-template.yaml says, by schema. */
export interface CatalogTemplate {
  package: Package;
  channels: Channel[];
  /** Images of the bundles; the tag is the release's version with a v. */
  images: string[];
}

type Entry = Package | Channel | { schema: 'olm.bundle'; image: string };

/**
 * Reads a template in opm's own format `olm.template.basic`.
 * @throws Error where it has no package, or more than one
 */
export function parseCatalogTemplate(yaml: string): CatalogTemplate {
  const { schema, entries } = parse(yaml) as { schema: string; entries: Entry[] };
  if (schema !== 'olm.template.basic') throw new Error(`a template of schema ${schema} is not supported`);
  const packages = entries.filter((entry) => entry.schema === 'olm.package');
  const [found, ...more] = packages;
  if (found === undefined || more.length > 0) throw new Error('a catalog template names one package');
  return {
    package: found,
    channels: entries.filter((entry) => entry.schema === 'olm.channel'),
    images: entries.flatMap((entry) => (entry.schema === 'olm.bundle' ? [entry.image] : [])),
  };
}

/** Name of the CSV that the image's tag stands for; undefined for an image without such a tag. */
export function bundleNameOf(packageName: Manifest['metadata']['name'], image: string): string | undefined {
  const version = /:v(\d+\.\d+\.\d+[^:@/]*)(?:@sha256:[0-9a-f]{64})?$/.exec(image)?.[1];
  return version === undefined ? undefined : `${packageName}.v${version}`;
}
