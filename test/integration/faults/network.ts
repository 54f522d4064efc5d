import { readFile, writeFile } from 'node:fs/promises';
import { operatorKubeconfig } from '../../support/operator.js';
import { SlowProxy } from '../../support/slow-proxy.js';
import { TcpProxy } from '../k8s/tcp-proxy.js';

/** What lies between an operator and the API server: a TCP relay for whole connections, and behind it a proxy for requests. */
export class Network {
  private constructor(
    readonly tcp: TcpProxy,
    readonly http: SlowProxy,
    /** Path of a kubeconfig that leads through both. */
    readonly kubeconfig: string,
  ) {}

  /** @param localAddress Where its requests to the API server come from. Default: any */
  static async start(localAddress?: string): Promise<Network> {
    const http = await SlowProxy.start(await operatorKubeconfig(), localAddress);
    const config = JSON.parse(await readFile(http.kubeconfig, 'utf8')) as Kubeconfig;
    const [{ cluster }] = config.clusters;
    const tcp = await TcpProxy.start(cluster.server);
    cluster.server = tcp.url;
    // It goes with the proxy's.
    const kubeconfig = `${http.kubeconfig}-relayed`;
    await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
    return new Network(tcp, http, kubeconfig);
  }

  async close(): Promise<void> {
    await this.tcp.close();
    await this.http.close();
  }
}

interface Kubeconfig {
  clusters: [{ cluster: { server: string } }];
}
