import { expect } from 'chai';
import { installRights } from '../../hack/rig/installation.js';
import type { LogLine } from '../../hack/rig/operator-log.js';
import { OperatorProcess, runCommand, type Exit } from '../../hack/rig/operator-process.js';
import { parseSamples, type Sample } from './metric-samples.js';
import { findToken } from './token-finder.js';
import { plane } from './plane.js';

export {
  installRights,
  OPERATOR_NAMESPACE,
  OPERATOR_SERVICE_ACCOUNT,
  OPERATOR_USERNAME,
} from '../../hack/rig/installation.js';
export type { AuditLine, LogLine } from '../../hack/rig/operator-log.js';

export interface OperatorOptions {
  /** Added to `run`'s command line; what is given here wins over our own. */
  args?: readonly string[];
  /** Node.js's own. */
  nodeFlags?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Default: that of the operator's own ServiceAccount on the shared plane. */
  kubeconfig?: string;
  /**
   * `reconciling`: it leads, its lists are complete. `listening`: its servers are up, whatever the API server does.
   * Default: `reconciling`.
   */
  until?: 'reconciling' | 'listening';
}

let rights: Promise<string> | undefined;

/** Starts a real operator process with exactly the rights of config/rbac. */
export async function startOperator(options: OperatorOptions = {}): Promise<RunningOperator> {
  const kubeconfig = options.kubeconfig ?? (await operatorKubeconfig());
  const flags = [
    ...[`--kubeconfig=${kubeconfig}`, '--log-level=debug'],
    ...['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'],
    ...(options.args ?? []),
  ];
  const operator = new RunningOperator({
    command: runCommand(flags, options.nodeFlags),
    env: options.env ?? {},
  });
  return operator.after(operator.waitFor(options.until === 'listening' ? 'starting' : 'reconciling'));
}

/** Path of a kubeconfig of the operator's ServiceAccount on the shared plane; applies config/rbac the first time. */
export function operatorKubeconfig(): Promise<string> {
  rights ??= plane().then((shared) => installRights(shared));
  return rights;
}

/** One operator process. Its whole output is looked through for tokens at its end. */
export class RunningOperator extends OperatorProcess {
  /** The samples of one metric that have at least these labels. */
  async samples(metric: string, labels: Record<string, string> = {}): Promise<Sample[]> {
    const { text } = await this.get('metrics', '/metrics');
    return parseSamples(text).filter(
      (sample) =>
        sample.metric === metric &&
        Object.entries(labels).every(([name, value]) => sample.labels[name] === value),
    );
  }

  /** Fails where a bug of ours came to light. */
  override async stop(): Promise<Exit> {
    const exit = await super.stop();
    expect(findToken(this.output), 'a token in what the operator printed').to.equal(undefined);
    const isFault = ({ error }: LogLine): boolean =>
      /^(Type|Reference|Range|Syntax)Error/.test(nameOf(error));
    expect(this.log().filter(isFault), "faults of the program's own").to.deep.equal([]);
    return exit;
  }
}

function nameOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';
}
