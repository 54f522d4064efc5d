import { BlockList, isIP } from 'node:net';

/**
 * The proxy that the environment names for a server, by the rules of Go's net/http, which kubectl follows:
 * HTTPS_PROXY or HTTP_PROXY by the server's scheme, NO_PROXY with domains, addresses, CIDRs and `*`, and never for the
 * machine itself. Lower-case names count too.
 */
export function proxyFromEnvironment(server: string, env: Readonly<NodeJS.ProcessEnv>): string | undefined {
  const url = new URL(server);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const [variable, defaultPort] = url.protocol === 'https:' ? ['HTTPS_PROXY', '443'] : ['HTTP_PROXY', '80'];
  const proxy = env[variable] || env[variable.toLowerCase()];
  const exempt = (env.NO_PROXY || env.no_proxy || '').split(',').map((entry) => entry.trim().toLowerCase());
  if (!proxy || isLocal(host) || exempt.some((entry) => matches(host, url.port || defaultPort, entry))) {
    return undefined;
  }
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function matches(host: string, hostPort: string, entry: string): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (entry.includes('/')) return inRange(host, entry);
  const [name = '', port] = isIP(entry) === 0 ? entry.split(':') : [entry];
  if (port !== undefined && port !== hostPort) return false;
  const domain = name.replace(/^\*?\./, '');
  // `.example.com` exempts what is below it, `example.com` itself as well.
  return (name === domain && host === domain) || host.endsWith(`.${domain}`);
}

function inRange(host: string, cidr: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(prefix)) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  try {
    list.addSubnet(network, Number(prefix), type);
  } catch {
    return false;
  }
  return list.check(host, type);
}
