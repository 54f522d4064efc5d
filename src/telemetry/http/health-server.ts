import { createServer, type ServerResponse } from 'node:http';
import { HttpListener, SERVER_LIMITS, answerText, readablePath } from './http-listener.js';

/** One thing without which the operator does not do its work. */
export interface ReadinessCheck {
  /** Short and fixed, such as `configmapsyncs`. */
  name: string;
  /** Why it is not ready, in a few words; undefined when it is. Must be quick: the kubelet waits a second. */
  check(): string | undefined;
}

/**
 * What the kubelet asks: `/healthz` (the process answers at all) and `/readyz` (every check holds; those that do not
 * are named, with `?verbose` all of them). Plain HTTP, no authentication: nothing here is a tenant's secret.
 */
export function healthServer(checks: readonly ReadinessCheck[]): HttpListener {
  const server = createServer(SERVER_LIMITS, (request, response) => {
    const url = readablePath(request, response);
    if (url === undefined) return;
    if (url.pathname === '/healthz') answerText(response, 200, 'ok');
    else if (url.pathname === '/readyz') answerReadiness(checks, response, url.searchParams.has('verbose'));
    else answerText(response, 404, 'not found: there are /healthz and /readyz');
  });
  return new HttpListener(server, { what: 'the health server', flag: '--health-probe-bind-address' });
}

/** Which checks hold just now, by their names: what a scrape is told. */
export function readinessOf(checks: readonly ReadinessCheck[]): Record<string, boolean> {
  return Object.fromEntries(checks.map((check) => [check.name, problemOf(check) === undefined]));
}

function answerReadiness(
  checks: readonly ReadinessCheck[],
  response: ServerResponse,
  verbose: boolean,
): void {
  const results = checks.map((check) => ({ name: check.name, problem: problemOf(check) }));
  const failed = results.filter(({ problem }) => problem !== undefined);
  const lines = (verbose ? results : failed).map(({ name, problem }) =>
    problem === undefined ? `[+] ${name}: ok` : `[-] ${name}: ${problem}`,
  );
  const verdict = failed.length === 0 ? 'ok' : `not ready: ${failed.map(({ name }) => name).join(', ')}`;
  answerText(response, failed.length === 0 ? 200 : 503, [...lines, verdict].join('\n'));
}

/** A check that fails by itself is a check that does not hold. */
function problemOf(check: ReadinessCheck): string | undefined {
  try {
    return check.check();
  } catch (error) {
    return error instanceof Error ? error.message : 'the check failed';
  }
}
