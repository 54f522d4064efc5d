import { Backoff } from '../../k8s/util/backoff.js';
import { CauseLog, type RuntimeLog } from '../../k8s/util/cause-log.js';
import type { Clock } from '../../k8s/util/clock.js';
import type { RestClient } from '../../k8s/client/rest-client.js';

interface SelfSubjectReview {
  status?: { userInfo?: { username?: string } };
}

/**
 * The operator's own user name, as the API server says it: the grant that a tenant is shown names it. An API server that
 * is not there yet is waited for, since pods start in any order.
 * @throws the signal's reason.
 */
export async function operatorIdentity(
  client: RestClient,
  log: RuntimeLog,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  const backoff = new Backoff({ baseMs: 500, maxMs: 15_000 });
  const causes = new CauseLog(log, {});
  for (;;) {
    try {
      const { body } = await client.request<SelfSubjectReview>({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
        signal,
      });
      causes.recovered('the API server answers');
      return body.status?.userInfo?.username ?? '';
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      causes.failed(`waiting for the API server: ${why}`, error);
      await clock.sleep(backoff.next(), signal);
    }
  }
}
