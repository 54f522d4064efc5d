/** Where a server listens. */
export interface BindAddress {
  /** Left out: every address of the machine, IPv6 and IPv4. */
  host?: string;
  /** 0: any free port. */
  port: number;
}

const SHAPE = /^(?:\[(?<ipv6>[0-9A-Fa-f:.]+)\]|(?<host>[A-Za-z0-9.-]*)):(?<port>\d{1,5})$/;

/**
 * Reads what kubebuilder's flags take: `:8443`, `127.0.0.1:8443`, `[::1]:8443`; `0` (or nothing) means off.
 * @throws Error with what to write instead
 */
export function parseBindAddress(text: string): BindAddress | 'off' {
  if (text === '0' || text === '') return 'off';
  const groups = SHAPE.exec(text)?.groups;
  const port = Number(groups?.port);
  if (groups === undefined || port > 65535) {
    throw new Error('Write :PORT, HOST:PORT or [IPV6]:PORT with a port up to 65535, or 0 to turn it off.');
  }
  const host = groups.ipv6 ?? groups.host ?? '';
  return host === '' ? { port } : { host, port };
}

/** The flag's own spelling, for messages. */
export function formatBindAddress({ host = '', port }: BindAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
