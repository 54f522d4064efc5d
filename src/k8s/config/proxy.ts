import { BlockList, isIP } from 'node:net';

/**
 * The proxy that the environment names for a server, by the rules of Go's net/http, which kubectl follows:
 * HTTPS_PROXY or HTTP_PROXY by the server's scheme, NO_PROXY with domains, addresses, CIDRs and `*`, and never for the
 * machine itself. Lower-case names count too.
 */
export function proxyFromEnvironment(server: string, env: Readonly<NodeJS.ProcessEnv>): string | undefined {
  const url = new URL(server);
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = env[variable] || env[variable.toLowerCase()];
  if (!proxy || isLocal(url) || isExempt(url, env.NO_PROXY || env.no_proxy || '')) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function isLocal(url: URL): boolean {
  const host = hostOf(url);
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isExempt(url: URL, noProxy: string): boolean {
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && matches(url, entry));
}

function matches(url: URL, entry: string): boolean {
  const host = hostOf(url);
  if (entry === '*') return true;
  if (entry.includes('/')) return inRange(host, entry);
  const [name = '', port] = isIP(entry) === 0 ? entry.split(':') : [entry];
  if (port !== undefined && port !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false;
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

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
}
