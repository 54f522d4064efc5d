import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';

/** What the numbers depend on; nothing that names the machine. */
export function describeMachine(): Record<string, string | number> {
  return {
    cpus: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGB: Math.round(totalmem() / 1e9),
    os: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    // What else was going on: times are those of a machine at leisure only where this is near 0.
    load: Number(loadavg()[0]?.toFixed(1)),
  };
}
