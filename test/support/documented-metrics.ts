import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../hack/repository.js';

export interface DocumentedMetric {
  name: string;
  type: string;
}

/** The rows of the tables in docs/metrics.md that begin with a metric's name and its type. */
export async function documentedMetrics(): Promise<DocumentedMetric[]> {
  const text = await readFile(join(repositoryRoot(), 'docs/metrics.md'), 'utf8');
  return [...text.matchAll(/^\| `(\w+)` +\| (counter|gauge|histogram|summary) +\|/gm)].map(
    ([, name = '', type = '']) => ({ name, type }),
  );
}
