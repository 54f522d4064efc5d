import { createServer } from 'node:http';
import type { RuntimeLog } from '../../k8s/util/cause-log.js';
import type { Metrics } from '../metrics/metrics.js';
import { HttpListener, SERVER_LIMITS, answer, route } from './http-listener.js';

/** One thing without which the operator does not do its work. */
export interface ReadinessCheck {
  /** Short and fixed, such as `configmapsyncs`. */
  name: string;
  /** Why it is not ready, in a few words; undefined when it is. Must be quick: the kubelet waits a second. */
  check(): string | undefined;
}

/**
 * What the kubelet asks: `/healthz` (the process answers at all) and `/readyz` (every check holds; those that do not
 * are named, with `?verbose` all of them). Plain HTTP, no authentication: a check must name nothing of a tenant.
 */
export function healthServer(
  checks: readonly ReadinessCheck[],
  { rejected }: Pick<Metrics, 'rejected'>,
): HttpListener {
  const onRequest = route({
    '/healthz': (response) => answer(response, 200, 'ok'),
    '/readyz': (response, url) => answer(response, ...readyz(checks, url.searchParams.has('verbose'))),
  });
  const server = createServer(SERVER_LIMITS, onRequest);
  return new HttpListener(server, { name: 'health', flag: '--health-probe-bind-address', rejected });
}

/**
 * Holds while no watch is silent. Who asks sends no credentials, and gets a number; the names go to the log, once for each
 * change. `silent` returns undefined before there is a first list.
 */
export function watchCheck(
  name: string,
  log: RuntimeLog,
  silent: () => string[] | undefined,
): ReadinessCheck {
  let logged = '';
  const check = (): string | undefined => {
    const watches = silent();
    if (watches === undefined) return 'not listed yet';
    const { length: count } = watches;
    if (watches.join() !== logged)
      log.warn('silent watches', { check: name, count, watches: watches.slice(0, 20) });
    logged = watches.join();
    return count === 0 ? undefined : `${count} ${count === 1 ? 'watch' : 'watches'} silent`;
  };
  return { name, check };
}

/** Which checks hold just now, by their names: what a scrape is told. */
export function readinessOf(checks: readonly ReadinessCheck[]): Record<string, boolean> {
  return Object.fromEntries(checks.map((check) => [check.name, problemOf(check) === undefined]));
}

function readyz(checks: readonly ReadinessCheck[], verbose: boolean): [code: number, body: string] {
  const results = checks.map((check) => ({ name: check.name, problem: problemOf(check) }));
  const failed = results.filter(({ problem }) => problem !== undefined);
  const lines = (verbose ? results : failed).map(({ name, problem }) =>
    problem === undefined ? `[+] ${name}: ok` : `[-] ${name}: ${problem}`,
  );
  const verdict = failed.length === 0 ? 'ok' : `not ready: ${failed.map(({ name }) => name).join(', ')}`;
  return [failed.length === 0 ? 200 : 503, [...lines, verdict].join('\n')];
}

/** A check that fails by itself is a check that does not hold. */
function problemOf(check: ReadinessCheck): string | undefined {
  try {
    return check.check();
  } catch {
    return 'the check failed'; // its message may name a tenant
  }
}
