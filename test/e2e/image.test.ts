import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { version } from '../../src/cli/version.js';
import { eventually } from '../support/eventually.js';
import {
  installRights,
  OPERATOR_NAMESPACE,
  OPERATOR_SERVICE_ACCOUNT,
  OPERATOR_USERNAME,
} from '../support/operator.js';
import { controlPlaneOrSkip, plane, type TestPlane } from '../support/plane.js';
import { Buildah, type ImageConfig } from './image/buildah.js';
import { ImageProcess, type ImageProcessOptions } from './image/image-process.js';
import { layOutBuildBase, layOutRuntimeBase } from './image/stand-in-bases.js';
import { SharingTenant } from './olm/sharing-tenant.js';

const IMAGE = 'localhost/config-weaver:test';
const BUILD_BASE = 'localhost/build-base:test';
const RUNTIME_BASE = 'localhost/runtime-base:test';
const run = promisify(execFile);

/** The Dockerfile itself, on bases that are put together from this machine's Node.js: no registry is asked. */
describe('the image', function () {
  this.timeout(300_000);
  let buildah: Buildah;
  let config: ImageConfig;
  let root: string;

  before(async function () {
    buildah = await Buildah.openOrSkip(this);
    const bases = { [BUILD_BASE]: layOutBuildBase, [RUNTIME_BASE]: layOutRuntimeBase };
    for (const [image, layOut] of Object.entries(bases)) {
      const folder = join(buildah.directory, 'base', image.replace(/\W/g, '-'));
      await layOut(folder);
      await buildah.imageOf(folder, image);
    }
    await build(IMAGE);
    config = await buildah.config(IMAGE);
    root = await buildah.mount(IMAGE);
  });

  after(() => (buildah as Buildah | undefined)?.close());

  /** With this machine's cache of packages, so that the second build asks the registry for nothing. */
  async function build(image: string): Promise<void> {
    const cache = join(homedir(), '.npm');
    await mkdir(cache, { recursive: true });
    await buildah.build('Dockerfile', image, {
      BUILD_IMAGE: BUILD_BASE,
      BASE_IMAGE: RUNTIME_BASE,
      SOURCE_DATE_EPOCH: '1767225600',
      BUILD_FLAGS: `--volume=${cache}:/root/.npm`,
    });
  }

  it('runs as a numeric user that is not root, and says what it is', () => {
    expect(config.User).to.equal('65532:65532');
    expect(config.Labels).to.include({
      'org.opencontainers.image.title': 'config-weaver',
      'org.opencontainers.image.version': version(),
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.created': '2026-01-01T00:00:00Z',
    });
  });

  it('holds the program, the list of its parts and their licenses, and no package manager, sources or shell', async () => {
    const { stdout } = await run('find', [root, '-xdev', '-type', 'f', '-printf', '/%P\n']);
    const files = stdout.trim().split('\n');

    expect(files).to.include.members([
      '/opt/config-weaver/config-weaver.mjs',
      '/usr/local/bin/config-weaver',
      '/usr/share/doc/config-weaver/sbom.spdx.json',
      '/usr/share/doc/config-weaver/THIRD_PARTY_NOTICES',
      '/usr/share/doc/config-weaver/LICENSE',
    ]);
    expect(files.filter((file) => /\.ts$|node_modules|\.map$|\/(sh|npm)$/.test(file))).to.deep.equal([]);
    const documents = join(root, 'usr/share/doc/config-weaver');
    const sbom = JSON.parse(await readFile(join(documents, 'sbom.spdx.json'), 'utf8')) as {
      packages: { name: string }[];
    };
    expect(sbom.packages.map(({ name }) => name)).to.include.members([
      'undici',
      'class-validator',
      'winston',
    ]);
    expect(sbom.packages.map(({ name }) => name)).to.not.include('mocha');
    const notices = await readFile(join(documents, 'THIRD_PARTY_NOTICES'), 'utf8');
    expect(notices).to.match(/undici \d[^]*Permission is hereby granted/);
    const { stdout: size } = await run('du', ['-sk', join(root, 'opt'), join(root, 'usr/share/doc')]);
    console.log(
      `      kilobytes over the base:\n${size.replaceAll(root, '').replace(/^/gm, '        ').trimEnd()}`,
    );
  });

  it('is the same, bit for bit, when it is built again', async () => {
    await build(`${IMAGE}-again`);

    expect(await buildah.id(`${IMAGE}-again`)).to.equal(await buildah.id(IMAGE));
  });

  describe('in a pod', () => {
    let cluster: TestPlane;
    let pod: ImageProcessOptions;

    before(async function () {
      cluster = await plane();
      const { dir } = controlPlaneOrSkip(this, cluster);
      await installRights(cluster);
      const serviceAccount = join(buildah.directory, 'service-account');
      await mkdir(serviceAccount);
      const token = ['create', 'token', OPERATOR_SERVICE_ACCOUNT, '-n', OPERATOR_NAMESPACE];
      await writeFile(join(serviceAccount, 'token'), (await cluster.kubectl(token)).trim());
      await writeFile(join(serviceAccount, 'ca.crt'), await readFile(join(dir, 'pki/ca.crt')));
      await writeFile(join(serviceAccount, 'namespace'), OPERATOR_NAMESPACE);
      // mkdtemp made the folders above for root alone, which a container's user never sees of its root.
      await run('chmod', ['a+rx', buildah.directory]);
      const { hostname, port } = new URL(cluster.server);
      pod = {
        root,
        image: config,
        serviceAccount,
        env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
      };
    });

    it('answers --version, also by the name of its command', async () => {
      const byEntrypoint = await ImageProcess.output({ ...pod, args: ['--version'] });
      const command = { ...config, Entrypoint: ['/usr/local/bin/config-weaver'] };
      const byName = await ImageProcess.output({ ...pod, image: command, args: ['--version'] });

      expect(byEntrypoint).to.equal(version());
      expect(byName).to.equal(version());
    });

    it('can write nowhere: the root is read-only, and would not be its own', async () => {
      const script = `
        try { require('fs').writeFileSync('/tmp/x', ''); console.log('written'); }
        catch ({ code }) { console.log(process.getuid(), process.getgid(), code); }`;
      const node = { ...config, Entrypoint: ['/nodejs/bin/node', '-e'] };

      expect(await ImageProcess.output({ ...pod, image: node, args: [script] })).to.equal(
        '65532 65532 EROFS',
      );
      expect((await stat(join(root, 'opt/config-weaver'))).uid).to.equal(0);
    });

    it('syncs a ConfigMap with the files of its ServiceAccount, and ends in good order', async () => {
      const tenant = await SharingTenant.create(cluster.kubectl, 'image-tenant', OPERATOR_USERNAME);
      await tenant.share();
      const args = [
        ...['run', '--leader-elect', '--health-probe-bind-address=127.0.0.1:0'],
        '--metrics-bind-address=127.0.0.1:0',
      ];

      const operator = await ImageProcess.start({ ...pod, args });
      try {
        await eventually(async () => {
          expect((await tenant.copy())?.data).to.deep.equal({ value: 'first' });
          expect(await tenant.targetStates()).to.have.members(['Synced', 'Denied']);
        });
        const status = await readFile(`/proc/${operator.pid}/status`, 'utf8');
        expect(status).to.match(/^Uid:\t65532\t65532\t65532\t65532$/m);
        const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
        console.log(
          `      reconciling after ${operator.readyMilliseconds.toFixed(0)} ms, ${resident.toFixed(0)} MiB resident`,
        );
        await cluster.kubectl(['delete', 'configmapsync', 'share', '-n', 'image-tenant', '--timeout=20s']);
        expect(await tenant.copy()).to.equal(undefined);
      } finally {
        expect(await operator.stop()).to.equal(0);
      }
    });
  });
});
