import { expect } from 'chai';
import { Metrics } from '../../../../src/telemetry/metrics/metrics.js';

describe("the controller runtime's metrics", () => {
  const setUp = () => {
    const metrics = new Metrics();
    const lines = async (pattern: RegExp): Promise<string[]> =>
      (await metrics.render('prometheus'))
        .split('\n')
        .filter((line) => !line.startsWith('#') && pattern.test(line));
    return { metrics, lines };
  };

  it('are there with zeros before anything has happened, so that the first error is an increase', async () => {
    const { metrics, lines } = setUp();

    metrics.runtime.controller('configmapsync');
    metrics.runtime.queue('configmapsync');

    expect(await lines(/^controller_runtime_reconcile_(total|errors_total)/)).to.deep.equal([
      'controller_runtime_reconcile_total{controller="configmapsync",result="success"} 0',
      'controller_runtime_reconcile_total{controller="configmapsync",result="error"} 0',
      'controller_runtime_reconcile_total{controller="configmapsync",result="requeue"} 0',
      'controller_runtime_reconcile_total{controller="configmapsync",result="requeue_after"} 0',
      'controller_runtime_reconcile_errors_total{controller="configmapsync"} 0',
    ]);
    expect(await lines(/^workqueue_(depth|adds_total|retries_total)/)).to.deep.equal([
      'workqueue_depth{name="configmapsync",controller="configmapsync"} 0',
      'workqueue_adds_total{name="configmapsync",controller="configmapsync"} 0',
      'workqueue_retries_total{name="configmapsync",controller="configmapsync"} 0',
    ]);
  });

  it('count reconciles, their errors and their workers', async () => {
    const { metrics, lines } = setUp();
    const observer = metrics.runtime.controller('c');

    observer.started(10);
    observer.active(3);
    observer.reconciled('success', 0.2);
    observer.reconciled('error', 0.2);
    observer.reconciled('error', 0.2);

    expect(await lines(/^controller_runtime_(?!.*_(bucket|sum)).* [^0]/)).to.deep.equal([
      'controller_runtime_reconcile_total{controller="c",result="success"} 1',
      'controller_runtime_reconcile_total{controller="c",result="error"} 2',
      'controller_runtime_reconcile_errors_total{controller="c"} 2',
      'controller_runtime_reconcile_time_seconds_count{controller="c"} 3',
      'controller_runtime_active_workers{controller="c"} 3',
      'controller_runtime_max_concurrent_reconciles{controller="c"} 10',
    ]);
  });

  it('measure the queue, what is stuck in it at the time of the scrape', async () => {
    const { metrics, lines } = setUp();
    const observer = metrics.runtime.queue('c');
    const queue = { unfinishedWorkSeconds: 7, longestRunningProcessorSeconds: 5 };
    metrics.runtime.measureQueue('c', queue);

    observer.added();
    observer.depth(1);
    observer.taken(0.05);
    observer.finished(2);
    observer.retried();
    queue.unfinishedWorkSeconds = 8;

    expect(await lines(/^workqueue_(?!.*_bucket)/)).to.deep.equal(
      [
        ['depth', 1],
        ['adds_total', 1],
        ['retries_total', 1],
        ['queue_duration_seconds_sum', 0.05],
        ['queue_duration_seconds_count', 1],
        ['work_duration_seconds_sum', 2],
        ['work_duration_seconds_count', 1],
        ['unfinished_work_seconds', 8],
        ['longest_running_processor_seconds', 5],
      ].map(([name, value]) => `workqueue_${name}{name="c",controller="c"} ${value}`),
    );
  });

  it('count requests by code, method and host alone', async () => {
    const { metrics, lines } = setUp();

    metrics.runtime.observe({ method: 'GET', host: 'api:6443', code: '200', seconds: 0.02 });
    metrics.runtime.observe({ method: 'GET', host: 'api:6443', code: '<error>', seconds: 1 });

    expect(await lines(/^rest_client_(?!.*_bucket)/)).to.deep.equal([
      'rest_client_requests_total{code="200",method="GET",host="api:6443"} 1',
      'rest_client_requests_total{code="<error>",method="GET",host="api:6443"} 1',
      'rest_client_request_duration_seconds_sum{verb="GET",host="api:6443"} 1.02',
      'rest_client_request_duration_seconds_count{verb="GET",host="api:6443"} 2',
    ]);
  });

  it('say who leads', async () => {
    const { metrics, lines } = setUp();
    const lease = 'config-weaver.weaver.example.com';

    metrics.runtime.setLeader(lease, false);
    const before = await lines(/^leader_election/);
    metrics.runtime.setLeader(lease, true);

    expect(before).to.deep.equal([
      'leader_election_master_status{name="config-weaver.weaver.example.com"} 0',
    ]);
    expect(await lines(/^leader_election/)).to.deep.equal([before[0]!.replace(/0$/, '1')]);
  });
});
