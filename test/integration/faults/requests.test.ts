import { setTimeout as sleep } from 'node:timers/promises';
import { describeFaults } from '../../support/fault-probe.js';
import type { Fault, ProxiedRequest } from '../../support/slow-proxy.js';
import type { TestTenant } from '../../support/tenant.js';
import { FaultyOperator } from './faulty-operator.js';

/** How long a fault is on. */
const FAULT_MS = 2_000;

type Respond = (request: ProxiedRequest, tenant: TestTenant) => Fault | undefined;

const isConfigMap = ({ path }: ProxiedRequest): boolean => path.includes('/configmaps');
const isWrite = ({ method }: ProxiedRequest): boolean => method !== 'GET';
const isReview = ({ path }: ProxiedRequest): boolean => /\/selfsubject\w+reviews$/.test(path);
const isWatch = (request: ProxiedRequest): boolean => request.isWatch;
const isStatus = ({ path }: ProxiedRequest): boolean => path.endsWith('/status');
const isToken = ({ path }: ProxiedRequest): boolean => path.endsWith('/token');
const isAny = (): boolean => true;

/** To those requests, for which `where` says so. */
function to(where: (request: ProxiedRequest) => boolean, fault: Fault): Respond {
  return (request) => (where(request) ? fault : undefined);
}

const FAULTS: Readonly<Record<string, Respond>> = {
  '429 to all requests': to(isAny, { status: 429 }),
  '429 with Retry-After: 2 to all requests': to(isAny, { status: 429, retryAfterSeconds: 2 }),
  '500 to all requests': to(isAny, { status: 500 }),
  '503 to all requests': to(isAny, { status: 503 }),
  '503 to writes of copies': to((each) => isConfigMap(each) && isWrite(each), { status: 503 }),
  '403 to writes of copies, while 500 refuses the permission reviews': (request) => {
    if (isReview(request)) return { status: 500 };
    return isConfigMap(request) && isWrite(request) ? { status: 403 } : undefined;
  },
  '500 to token requests, while 401 refuses the old token': (request) => {
    if (isToken(request)) return { status: 500 };
    return isConfigMap(request) ? { status: 401 } : undefined;
  },
  '500 to all requests about one namespace': ({ path }, { namespace }) =>
    path.includes(`/namespaces/${namespace}/`) ? { status: 500 } : undefined,
  '500 to status patches': to(isStatus, { status: 500 }),
  'requests are dropped after 1 s without an answer': to(isAny, { dropAfterMs: 1000 }),
  'each answer takes 1 s more': to(isAny, { delayMs: 1000 }),
  'watches end in the middle of a line': to(isWatch, { spoil: 'truncated' }),
  'lines of watches are malformed': to(isWatch, { spoil: 'malformed' }),
  'other answers end in the middle': to((each) => !isWatch(each), { spoil: 'truncated' }),
};

describeFaults('an operator whose requests fail', function () {
  this.timeout(150_000);
  let faulty: FaultyOperator;

  before(async () => {
    faulty = await FaultyOperator.start();
  });
  afterEach(() => faulty.network.http.release());
  after(() => faulty.end());

  for (const [name, respond] of Object.entries(FAULTS)) {
    it(`heals: ${name}`, async () => {
      await faulty.probe.endures(name, async () => {
        let times = 0;
        faulty.network.http.fault = (request) => {
          const fault = respond(request, faulty.probe.tenant);
          if (fault !== undefined) times += 1;
          return fault;
        };
        // So that there are new watches.
        faulty.network.tcp.reset();
        await sleep(FAULT_MS);
        faulty.network.http.release();
        return times;
      });
    });
  }
});
