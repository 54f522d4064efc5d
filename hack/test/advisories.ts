import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { checked, NOTHING, type Outcome } from './outcome.js';

/** What `npm audit --json` prints: its findings, or the answer of a registry that refused. */
interface AuditOutput {
  message?: string;
  statusCode?: number;
  vulnerabilities?: Record<string, { severity: string; range: string; fixAvailable?: unknown }>;
}

/** How a registry says that it has no advisories: a mirror often holds packages only. */
const NO_SUCH_SERVICE = [404, 405, 501];
const FAILING = ['high', 'critical'];
const LONGEST_MS = 120_000;

/** Asks the registry for known weaknesses of the packages that are shipped. */
export async function checkAdvisories(root: string): Promise<Outcome> {
  const options = { cwd: root, timeout: LONGEST_MS, maxBuffer: Infinity };
  // It exits with an error where it found something, and where the registry refused: what it printed tells which.
  const { stdout = '' } = await promisify(execFile)('npm', ['audit', '--omit=dev', '--json'], options).catch(
    (error: unknown) => error as { stdout?: string },
  );
  return judge(stdout);
}

/**
 * One failure for each package with an advisory of high severity, one skipped where the registry has none, and one failure
 * where it could not be found out.
 */
export function judge(output: string): Outcome {
  let audit: AuditOutput;
  try {
    audit = JSON.parse(output) as AuditOutput;
  } catch {
    console.error('npm audit gave no answer');
    return checked(false);
  }
  const { vulnerabilities, statusCode = 0, message = '' } = audit;
  if (vulnerabilities === undefined) {
    const isSkipped = NO_SUCH_SERVICE.includes(statusCode);
    console.error(
      isSkipped ? `skipped: the registry has no advisories: ${message}` : `npm audit: ${message}`,
    );
    return isSkipped ? { ...NOTHING, skipped: 1 } : checked(false);
  }
  const failures = Object.entries(vulnerabilities)
    .filter(([, { severity }]) => FAILING.includes(severity))
    .map(
      ([name, { severity, range }]) => `${name} ${range} has an advisory of ${severity} severity: npm audit`,
    );
  return failures.length > 0 ? { ...NOTHING, failed: failures.length, failures } : { ...NOTHING, passed: 1 };
}
