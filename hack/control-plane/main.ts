import { parseArgs } from 'node:util';
import { controlPlaneAssets } from './assets.js';
import { ControlPlane } from './control-plane.js';

/** A control plane for a terminal: stays in the foreground and ends with Ctrl-C. */
const { values } = parseArgs({
  options: {
    dir: { type: 'string', short: 'd' },
    crds: { type: 'string' },
  },
});

const controlPlane = await ControlPlane.start({
  assets: await controlPlaneAssets(),
  dir: values.dir,
  controllerManager: false,
  log: (line) => console.error(line),
});
if (values.crds !== undefined) await controlPlane.applyCrd(values.crds);
await controlPlane.startControllerManager();
console.error(`audit log: ${controlPlane.auditLog}`);
console.log(`export KUBECONFIG=${controlPlane.kubeconfig}`);

await new Promise<void>((resolve) => {
  // Only a timer keeps this process alive: what it started does not.
  const forever = setInterval(() => undefined, 1 << 30);
  const end = (): void => {
    clearInterval(forever);
    resolve();
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
});
await controlPlane.stop();
