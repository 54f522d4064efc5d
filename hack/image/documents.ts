import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The parts of an SPDX 2.3 document that we look at. */
export interface Sbom {
  name: string;
  documentNamespace: string;
  creationInfo: { created: string; creators: string[] };
  packages: { name: string; versionInfo: string; packageFileName?: string; licenseDeclared?: string }[];
  [field: string]: unknown;
}

/**
 * The list of parts as npm writes it, but the same for the same packages: without the time of day and the random number
 * that npm puts in. @param created RFC 3339, in UTC
 */
export function reproducible(sbom: Sbom, created: string): Sbom {
  const documentNamespace = sbom.documentNamespace.replace(/-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '');
  return { ...sbom, documentNamespace, creationInfo: { ...sbom.creationInfo, created } };
}

/**
 * The licenses of all parts, which ask to be passed on with copies of them: the program holds their code.
 * @param root folder that holds node_modules
 */
export async function thirdPartyNotices(sbom: Sbom, root: string): Promise<string> {
  const parts = sbom.packages.filter(({ packageFileName = '' }) => packageFileName !== '');
  const notices = await Promise.all(
    parts.map(async ({ name, versionInfo, packageFileName = '', licenseDeclared = 'see below' }) => {
      const texts = await licenseTexts(join(root, packageFileName));
      return [`${name} ${versionInfo}: ${licenseDeclared}`, ...texts].join('\n\n');
    }),
  );
  return notices.map((notice) => `${notice}\n`).join(`\n${'-'.repeat(80)}\n\n`);
}

async function licenseTexts(folder: string): Promise<string[]> {
  // A package for another platform is in the list of parts, but not installed.
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => /^(licen[cs]e|notice|copying)/i.test(name)).sort();
  return Promise.all(files.map(async (name) => (await readFile(join(folder, name), 'utf8')).trim()));
}
