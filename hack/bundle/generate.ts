import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.js';
import { bundleFiles, type Files } from './bundle.js';
import { catalogFiles } from './catalog.js';
import { parseCatalogTemplate } from './catalog-template.js';
import { PACKAGE, type ClusterServiceVersion, type Release } from './cluster-service-version.js';
import { kustomize } from './kustomize.js';
import { only, parseManifests } from './manifest.js';

/** The bundle of a release, from this checkout's config/ and models. */
export async function generateBundle(release: Release): Promise<Files> {
  const config = join(repositoryRoot(), 'config');
  const manifests = await kustomize('manifests');
  const samples = await kustomize('samples');
  const icon = await readFile(join(config, 'manifests/bases/icon.svg'), 'utf8');
  const scorecard = parseManifests(await readFile(join(config, 'scorecard/config.yaml'), 'utf8'));
  return bundleFiles(release, { manifests, samples, icon }, only(scorecard, 'Configuration'));
}

/**
 * The catalog that a template describes, with `bundle` as the newest of its releases and the files of the others as they
 * were published.
 * @throws Error where the template does not hold together, or a file is missing
 */
export function generateCatalog(template: string, bundle: Files, published: Files): Files {
  const csv = parseManifests(bundle.get(`manifests/${PACKAGE}.clusterserviceversion.yaml`) ?? '');
  return catalogFiles(
    parseCatalogTemplate(template),
    only(csv, 'ClusterServiceVersion') as ClusterServiceVersion,
    published,
  );
}
