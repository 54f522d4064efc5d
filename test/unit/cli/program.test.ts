import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { type RegisterCommand, UsageError } from '../../../src/cli/command.js';
import { program } from '../../../src/cli/program.js';
import { runCommand, type RunOptions } from '../../../src/cli/run/run-command.js';
import { version } from '../../../src/cli/version.js';

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  /** The options of each start of the operator. */
  runs: RunOptions[];
}

async function execute(
  args: string[],
  env: NodeJS.ProcessEnv = {},
  more: RegisterCommand[] = [],
  run: () => Promise<number> = () => Promise.resolve(0),
): Promise<Outcome> {
  const runs: RunOptions[] = [];
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let ends = 0;
  const recorder = runCommand(
    () =>
      Promise.resolve({
        run: (options) => {
          runs.push(options);
          return run();
        },
      }),
    () => (ends += 1),
  );
  const code = await program(args, { env, stdout, stderr }, [recorder, ...more]);
  expect(ends).to.equal(runs.length);
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';
  return { code, stdout: text(stdout), stderr: text(stderr), runs };
}

describe('the command line', () => {
  const defaults: RunOptions = {
    leaderElect: false,
    metricsBindAddress: { port: 8443 },
    metricsSecure: true,
    healthProbeBindAddress: { port: 8081 },
    watchNamespaces: [],
    maxConcurrentReconciles: 10,
    maxConcurrentRequests: 32,
    pollInterval: 30_000,
    resyncInterval: 600_000,
    tokenExpiration: 600_000,
    cleanupTimeout: 600_000,
    deniedSeriesLimit: 2000,
    policyReports: false,
    logLevel: 'info',
    logFormat: 'json',
  };

  for (const args of [[], ['run']]) {
    it(`runs the operator with the documented defaults for '${['config-weaver', ...args].join(' ')}'`, async () => {
      const outcome = await execute(args);

      expect(outcome).to.deep.equal({ code: 0, stdout: '', stderr: '', runs: [defaults] });
    });
  }

  it('hands on the exit code of the operator', async () => {
    const outcome = await execute([], {}, [], () => Promise.resolve(7));

    expect(outcome.code).to.equal(7);
  });

  describe('accepts', () => {
    const accepted: [string[], Partial<RunOptions>][] = [
      [['--kubeconfig', '/tmp/k'], { kubeconfig: '/tmp/k' }],
      [['--leader-elect'], { leaderElect: true }],
      [['--leader-elect=true'], { leaderElect: true }],
      [['--leader-elect=false'], { leaderElect: false }],
      [['--leader-elect', '--log-level=debug'], { leaderElect: true, logLevel: 'debug' }],
      [['--leader-election-namespace=ops'], { leaderElectionNamespace: 'ops' }],
      [['--metrics-bind-address=127.0.0.1:0'], { metricsBindAddress: { host: '127.0.0.1', port: 0 } }],
      [['--metrics-bind-address=[::1]:8443'], { metricsBindAddress: { host: '::1', port: 8443 } }],
      [['--metrics-bind-address=0'], { metricsBindAddress: 'off' }],
      [['--metrics-secure=false'], { metricsSecure: false }],
      [['--metrics-secure=0'], { metricsSecure: false }],
      [['--metrics-cert-path=/certs'], { metricsCertPath: '/certs' }],
      [['--health-probe-bind-address=:9000'], { healthProbeBindAddress: { port: 9000 } }],
      [['--health-probe-bind-address', '0'], { healthProbeBindAddress: 'off' }],
      [['--watch-namespaces=a, b,a'], { watchNamespaces: ['a', 'b'] }],
      [['--max-concurrent-reconciles=1'], { maxConcurrentReconciles: 1 }],
      [['--max-concurrent-requests', '1000'], { maxConcurrentRequests: 1000 }],
      [['--poll-interval=1m30s'], { pollInterval: 90_000 }],
      [['--resync-interval=24h'], { resyncInterval: 86_400_000 }],
      [['--token-expiration=600s'], { tokenExpiration: 600_000 }],
      [['--denied-series-limit=0'], { deniedSeriesLimit: 0 }],
      [['--cleanup-timeout=1s'], { cleanupTimeout: 1000 }],
      [['--log-format=text'], { logFormat: 'text' }],
    ];
    for (const [args, expected] of accepted) {
      it(args.join(' '), async () => {
        const outcome = await execute(['run', ...args]);

        expect(outcome).to.deep.include({ code: 0, stderr: '' });
        expect(outcome.runs).to.deep.equal([{ ...defaults, ...expected }]);
      });
    }
  });

  describe('refuses with one line and starts nothing', () => {
    const refused: [string[], string][] = [
      [['--no-such-flag'], "unknown option '--no-such-flag'"],
      [['run', '--poll-intervall', '1s'], '--poll-interval?'],
      [['frobnicate'], 'frobnicate'],
      [['run', 'fast'], 'fast'],
      [['--leader-elect', 'false'], 'false'],
      [['--kubeconfig'], '--kubeconfig <file>'],
      [['--leader-elect=maybe'], 'Write true or false'],
      [['--leader-elect='], 'Write true or false'],
      [['--leader-election-namespace=Ops'], 'small letters'],
      [['--metrics-bind-address=8443'], ':PORT'],
      [['--metrics-bind-address=:99999'], '65535'],
      [['--health-probe-bind-address=host'], ':PORT'],
      [['--watch-namespaces=a,-b'], 'small letters'],
      [['--max-concurrent-reconciles=0'], 'from 1 to 1000'],
      [['--max-concurrent-reconciles=1.5'], 'from 1 to 1000'],
      [['--max-concurrent-requests=many'], 'from 1 to 1000'],
      [['--poll-interval=30'], 'such as 30s'],
      [['--poll-interval=2h'], 'from 1s to 1h'],
      [['--resync-interval=0s'], 'from 1s to 24h'],
      [['--token-expiration=9m59s'], 'from 10m to 24h'],
      [['--token-expiration=25h'], 'from 10m to 24h'],
      [['--denied-series-limit=-1'], 'from 0 to 100000'],
      [['--cleanup-timeout=forever'], 'such as 30s'],
      [['--log-level=loud'], 'debug, info, warn, error'],
      [['--log-format=xml'], 'json, text'],
      [['--log-format=a\nb'], 'json, text'],
    ];
    for (const [args, hint] of refused) {
      it(args.join(' ').replace('\n', '\\n'), async () => {
        const outcome = await execute(args);

        expect(outcome).to.deep.include({ code: 2, stdout: '', runs: [] });
        expect(outcome.stderr)
          .to.match(/^config-weaver: [^\n]+\n$/)
          .and.to.contain(hint);
      });
    }
  });

  it('takes the namespaces of WATCH_NAMESPACE, as OLM sets it', async () => {
    const outcome = await execute([], { WATCH_NAMESPACE: 'a,b' });

    expect(outcome.runs[0]?.watchNamespaces).to.deep.equal(['a', 'b']);
  });

  it('prefers the flag to WATCH_NAMESPACE, an empty flag too', async () => {
    const outcome = await execute(['--watch-namespaces='], { WATCH_NAMESPACE: 'a,b' });

    expect(outcome.runs[0]?.watchNamespaces).to.deep.equal([]);
  });

  it('refuses a WATCH_NAMESPACE that cannot be, naming the variable', async () => {
    const outcome = await execute([], { WATCH_NAMESPACE: 'a_b' });

    expect(outcome).to.deep.include({ code: 2, runs: [] });
    expect(outcome.stderr).to.match(/^config-weaver: environment variable WATCH_NAMESPACE 'a_b'[^\n]+\n$/);
  });

  for (const args of [['--version'], ['run', '--version']]) {
    it(`prints nothing but the version for ${args.join(' ')}`, async () => {
      const outcome = await execute(args);

      expect(outcome).to.deep.equal({ code: 0, stdout: `${version()}\n`, stderr: '', runs: [] });
    });
  }

  it('prints its commands for --help, and the flags of run for run --help', async () => {
    const root = await execute(['--help']);
    const run = await execute(['run', '--help']);

    expect(root).to.deep.include({ code: 0, stderr: '', runs: [] });
    expect(root.stdout).to.contain('run the operator (the default)');
    expect(run).to.deep.include({ code: 0, stderr: '', runs: [] });
    expect(run.stdout).to.contain('--denied-series-limit').and.to.contain('(default: 30s)');
  });

  it('goes by the name that it was called by, in help and errors', async () => {
    const env = { CONFIG_WEAVER_CALLED_AS: 'kubectl weaver' };

    const help = await execute(['--help'], env);
    const mistake = await execute(['foo'], env);

    expect(help.stdout).to.contain('Usage: kubectl weaver ').and.to.contain('kubectl weaver COMMAND --help');
    expect(help.stdout).to.not.contain('config-weaver');
    expect(mistake.stderr).to.equal(
      'kubectl weaver: unknown command or stray word foo; kubectl weaver --help lists the commands\n',
    );
  });

  it('tells a failure of the command in one line, without a token, and exits 1', async () => {
    const failure = new Error('no kubeconfig:\n  looked at a, b; Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln');

    const outcome = await execute([], {}, [], () => Promise.reject(failure));

    expect(outcome.code).to.equal(1);
    expect(outcome.stderr).to.equal('config-weaver: no kubeconfig: looked at a, b; [redacted]\n');
  });

  it("exits 2 for a command's own complaint about its command line", async () => {
    const complaining: RegisterCommand = (root) => {
      root.command('audit').action(() => {
        throw new UsageError('-n and -A exclude each other: give one of them');
      });
    };

    const outcome = await execute(['audit'], {}, [complaining]);

    expect(outcome).to.deep.include({ code: 2, stdout: '', runs: [] });
    expect(outcome.stderr).to.equal('config-weaver: -n and -A exclude each other: give one of them\n');
  });
});
