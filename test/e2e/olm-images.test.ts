import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { differences, readFiles } from '../../hack/bundle/files.js';
import { repositoryRoot } from '../../hack/repository.js';
import { Buildah } from './image/buildah.js';
import { layOutProgram } from './image/stand-in-bases.js';
import { olmToolsOrSkip } from './olm/olm-tools.js';

const run = promisify(execFile);

describe('the images for OLM', function () {
  this.timeout(120_000);
  let buildah: Buildah;

  before(async function () {
    buildah = await Buildah.openOrSkip(this);
  });

  after(() => (buildah as Buildah | undefined)?.close());

  it('hold, of the bundle, what is committed, and labels that say where', async () => {
    const image = 'localhost/bundle:test';
    await buildah.build('bundle.Dockerfile', image);

    const held = await readFiles(await buildah.mount(image));

    expect(differences(held, await readFiles(join(repositoryRoot(), 'bundle')))).to.deep.equal([]);
    expect((await buildah.config(image)).Labels).to.include({
      'operators.operatorframework.io.bundle.mediatype.v1': 'registry+v1',
      'operators.operatorframework.io.bundle.package.v1': 'config-weaver',
    });
  });

  it('serve, of the catalog, what is committed, with a cache that opm takes for its own', async function () {
    const { bin } = await olmToolsOrSkip(this);
    const base = join(buildah.directory, 'opm');
    await layOutProgram(base, join(bin, 'opm'), '/bin/opm');
    await mkdir(join(base, 'tmp'));
    await buildah.imageOf(base, 'localhost/opm:test');

    const image = 'localhost/catalog:test';
    await buildah.build('catalog.Dockerfile', image, { OPM_IMAGE: 'localhost/opm:test' });

    const root = await buildah.mount(image);
    const { Entrypoint, Cmd } = await buildah.config(image);
    expect([...Entrypoint, ...Cmd]).to.deep.equal([
      '/bin/opm',
      'serve',
      '/configs',
      '--cache-dir=/tmp/cache',
    ]);
    const configs = await readFiles(join(root, 'configs'));
    expect(differences(configs, await readFiles(join(repositoryRoot(), 'catalog')))).to.deep.equal([]);
    // Ends with an error where the cache is not that of these configs.
    const check = [
      '--cache-only',
      '--cache-enforce-integrity',
      '--pprof-addr=',
      '--termination-log=/tmp/end',
    ];
    await run('chroot', [root, '/bin/opm', ...Cmd, ...check]);
  });
});
