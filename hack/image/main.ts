/**
 * Lays out in a folder what the image has beyond its base: the bundled program, a command of its name, the licenses, and
 * the list of its parts. The build stage of the Dockerfile calls it: `main.js FOLDER`, with SOURCE_DATE_EPOCH in seconds.
 */
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../repository.js';
import { reproducible, thirdPartyNotices, type Sbom } from './documents.js';

const root = repositoryRoot();
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: main.js FOLDER');
const created = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000).toISOString();

// Distroless images have Node.js at this place, and neither a shell nor env.
const COMMAND = "#!/nodejs/bin/node\nimport('/opt/config-weaver/config-weaver.mjs');\n";

const program = join(folder, 'opt/config-weaver');
const command = join(folder, 'usr/local/bin/config-weaver');
const documents = join(folder, 'usr/share/doc/config-weaver');
await Promise.all([program, dirname(command), documents].map((path) => mkdir(path, { recursive: true })));
await cp(join(root, 'dist/bundle'), program, { recursive: true });
await writeFile(command, COMMAND, { mode: 0o755 });

const listParts = ['sbom', '--omit', 'dev', '--sbom-format', 'spdx', '--package-lock-only'];
const { stdout } = await promisify(execFile)('npm', listParts, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
const sbom = reproducible(JSON.parse(stdout) as Sbom, created.replace(/\.\d+Z$/, 'Z'));
await writeFile(join(documents, 'sbom.spdx.json'), `${JSON.stringify(sbom, undefined, 2)}\n`);
await writeFile(join(documents, 'THIRD_PARTY_NOTICES'), await thirdPartyNotices(sbom, root));
await copyFile(join(root, 'LICENSE'), join(documents, 'LICENSE'));
