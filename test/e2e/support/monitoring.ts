import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Daemon, waitFor } from '../../../hack/control-plane/daemon.js';
import { freePort } from '../../../hack/control-plane/free-port.js';
import { Reaper } from '../../../hack/control-plane/reaper.js';
import { WebhookReceiver } from './webhook-receiver.js';

/** A series with its value at one moment. */
export interface QueryResult {
  metric: Record<string, string>;
  /** Of an instant query: seconds since the epoch, and the value as text. */
  value: [number, string];
}

export interface ActiveAlert {
  state: 'pending' | 'firing';
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface ScrapeTarget {
  health: 'up' | 'down' | 'unknown';
  lastError: string;
  labels: Record<string, string>;
}

/** A real Prometheus and a real Alertmanager that notifies {@link receiver}, in a directory of their own. */
export class Monitoring {
  readonly receiver: WebhookReceiver;
  readonly #directory: string;
  readonly #daemons: Daemon[] = [];
  readonly #reaper: Reaper;
  #prometheus = '';
  #alertmanager = '';

  private constructor(directory: string, receiver: WebhookReceiver) {
    this.#directory = directory;
    this.#reaper = new Reaper(directory);
    this.receiver = receiver;
  }

  /**
   * @param scrape one entry of scrape_configs
   * @param rules text of a rule file
   * @param token what goes into the file that the scrape's `credentials_file: token` names
   */
  static async start(
    binaries: { prometheus: string; alertmanager: string },
    { scrape, rules, token }: { scrape: object; rules: string; token: string },
  ): Promise<Monitoring> {
    const directory = await mkdtemp(join(tmpdir(), 'config-weaver-monitoring-'));
    const monitoring = new Monitoring(directory, await WebhookReceiver.start());
    try {
      await monitoring.#startAlertmanager(binaries.alertmanager);
      await writeFile(monitoring.#path('rules.yaml'), rules);
      await writeFile(monitoring.#path('token'), token, { mode: 0o600 });
      await monitoring.#startPrometheus(binaries.prometheus, scrape);
      return monitoring;
    } catch (error) {
      await monitoring.stop();
      throw error;
    }
  }

  /** @throws Error with what Prometheus finds wrong with the query */
  async query(query: string): Promise<QueryResult[]> {
    const { result } = await this.#ask<{ result: QueryResult[] }>(
      `query?${String(new URLSearchParams({ query }))}`,
    );
    return result;
  }

  /** Type of each metric family that was scraped, by its name. */
  async metricTypes(): Promise<Map<string, string>> {
    const metadata = await this.#ask<Record<string, { type: string }[]>>('metadata');
    return new Map(Object.entries(metadata).map(([name, [first]]) => [name, first?.type ?? '']));
  }

  async targets(): Promise<ScrapeTarget[]> {
    return (await this.#ask<{ activeTargets: ScrapeTarget[] }>('targets')).activeTargets;
  }

  /** What Prometheus' rules find now. */
  async activeAlerts(): Promise<ActiveAlert[]> {
    return (await this.#ask<{ alerts: ActiveAlert[] }>('alerts')).alerts;
  }

  /** What Alertmanager holds now, by their labels. */
  async alertmanagerAlerts(): Promise<Record<string, string>[]> {
    const response = await fetch(`${this.#alertmanager}/api/v2/alerts`);
    return ((await response.json()) as { labels: Record<string, string> }[]).map(({ labels }) => labels);
  }

  /** Ends both, and removes their directory. May be called twice. */
  async stop(): Promise<void> {
    await Promise.all(this.#daemons.splice(0).map((daemon) => daemon.stop()));
    await this.#reaper.close();
    await this.receiver.stop().catch(() => undefined);
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #ask<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#prometheus}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error ?? response.statusText}`);
    return answer.data;
  }

  async #startAlertmanager(binary: string): Promise<void> {
    const config = {
      route: {
        receiver: 'webhook',
        group_by: ['alertname', 'namespace', 'name', 'target_namespace'],
        group_wait: '100ms',
        group_interval: '1s',
        repeat_interval: '1h',
      },
      receivers: [{ name: 'webhook', webhook_configs: [{ url: this.receiver.url, send_resolved: true }] }],
    };
    await writeFile(this.#path('alertmanager.yaml'), stringify(config));
    this.#alertmanager = await this.#run(binary, 'alertmanager', [
      `--config.file=${this.#path('alertmanager.yaml')}`,
      `--storage.path=${this.#path('alertmanager')}`,
      // No other members, and so no port for them.
      '--cluster.listen-address=',
    ]);
  }

  async #startPrometheus(binary: string, scrape: object): Promise<void> {
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml'],
      scrape_configs: [scrape],
      alerting: {
        alertmanagers: [{ static_configs: [{ targets: [this.#alertmanager.replace('http://', '')] }] }],
      },
    };
    await writeFile(this.#path('prometheus.yaml'), stringify(config));
    this.#prometheus = await this.#run(binary, 'prometheus', [
      `--config.file=${this.#path('prometheus.yaml')}`,
      `--storage.tsdb.path=${this.#path('prometheus')}`,
    ]);
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  /** @returns where it serves, once it does */
  async #run(binary: string, name: string, args: string[]): Promise<string> {
    const address = `127.0.0.1:${await freePort()}`;
    const daemon = new Daemon({
      binary,
      args: [...args, `--web.listen-address=${address}`],
      logFile: this.#path(`${name}.log`),
      reaper: this.#reaper,
    });
    this.#daemons.push(daemon);
    await waitFor(daemon, `${name} to be ready`, async () => {
      const response = await fetch(`http://${address}/-/ready`).catch(() => undefined);
      return response?.ok === true;
    });
    return `http://${address}`;
  }
}
