import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { abortable } from '../../src/k8s/util/async.js';
import { Screen } from './screen.js';
import { Stage } from './stage.js';
import { SCENES, suggest } from './story.js';

/** Exit codes of a shell's child that the signal ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const interrupted = new AbortController();
for (const [signal, code] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    // Who asks twice does not want to wait: what is left is ended and removed once this process is gone.
    if (interrupted.signal.aborted) process.exit(code);
    process.exitCode = code;
    interrupted.abort(new Error(signal));
  });
}
// Whoever read the output is gone.
process.stdout.on('error', () => interrupted.abort(new Error('nobody reads')));

const once = !['', '0', 'false'].includes(process.env.ONCE ?? '');
const screen = new Screen(process.stdout, process.env);
const startedAt = performance.now();
let stage: Stage | undefined;
try {
  screen.heading('A control plane of its own, with config-weaver installed');
  stage = await Stage.open(screen, interrupted.signal);
  for (const scene of SCENES) {
    interrupted.signal.throwIfAborted();
    await scene(stage);
  }
  screen.heading(`Everything was as it should be (${seconds()} s).`);
  if (!once) {
    suggest(stage, isOnPath('kubectl'));
    screen.heading('Ctrl-C stops all of it and removes its files.');
    await stay(stage);
  }
} catch (error) {
  if (!interrupted.signal.aborted) {
    process.exitCode = 1;
    console.error(`\ndemo: ${error instanceof Error ? error.message : String(error)}`);
  }
} finally {
  await stage?.close();
}

/** Until somebody interrupts, which is how a demo ends well, or the operator ends, which is not. */
async function stay({ operator }: Stage): Promise<void> {
  try {
    await abortable(operator.exit(), interrupted.signal);
  } catch {
    process.exitCode = 0;
    return;
  }
  throw new Error(await operator.describeExit());
}

function seconds(): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1);
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
