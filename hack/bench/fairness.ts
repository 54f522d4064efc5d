import { PLURAL } from '../../src/api/v1alpha1/well-known.js';
import { systemClock } from '../../src/k8s/util/clock.js';
import { AuditLog } from '../rig/audit-log.js';
import { waitUntil } from '../control-plane/poll.js';
import { recordedRequests } from '../rig/recorded-requests.js';
import type { Rig } from '../rig/rig.js';
import { contentOf, type BenchTenant } from './bench-tenant.js';
import { waitForCopies } from './convergence.js';
import { Crowd } from './crowd.js';
import { median, type Measurement } from './measurement.js';

/** As many as one ConfigMapSync may have. */
const CROWD = 1000;
const GOOD = 10;
const TARGET_RATIO = 1.5;
const WAIT_MILLISECONDS = 60_000;
const SOURCE = 'fairness';

/** What is done for a ConfigMapSync that has left is over by then. */
const SETTLE_MILLISECONDS = 1000;

/** Longer than ten copies take. */
const UNDISTURBED_MILLISECONDS = 500;

/** Longer than the longest time between two looks at what is denied. */
const REVIEW_MILLISECONDS = 15_000;

/**
 * How long a tenant waits for a few copies when it is alone, and when another tenant has a thousand targets where it may
 * do nothing: while these are judged for the first time, and while they are looked at again.
 */
export async function measureFairness(
  rig: Rig,
  tenant: BenchTenant,
  { runs, onRun, signal }: { runs: number; onRun: (run: number) => void; signal: AbortSignal },
): Promise<Measurement[]> {
  const crowd = await Crowd.create(rig, CROWD);
  const bench = new FairnessBench(rig, tenant, crowd);
  const measured: Convergences[] = [];
  try {
    await tenant.createSource(SOURCE, contentOf('first'));
    for (let run = 1; run <= runs; run += 1) {
      onRun(run);
      measured.push(await bench.run(run, signal));
    }
  } finally {
    await crowd.close();
  }
  const alone = measured.flatMap((each) => each.alone);
  const compared = (name: string, pick: (each: Convergences) => number): Measurement[] => {
    const times = measured.map(pick);
    // One time alone says little on a machine that has other work to do.
    const ratios = times.map((time) => time / median(alone));
    return [
      { name: `  ${name}`, unit: 'ms', runs: times },
      { name: '  ratio', unit: 'x', runs: ratios, target: TARGET_RATIO },
    ];
  };
  return [
    { name: `${bench.size} copies, alone`, unit: 'ms', runs: alone },
    ...compared(`with ${CROWD} denied ones, at the same moment`, ({ together }) => together),
    ...compared(`beside ${CROWD} first judgements`, ({ judged }) => judged),
    ...compared(`beside ${CROWD} re-checks`, ({ rechecked }) => rechecked),
  ];
}

/** In milliseconds, each from the ConfigMapSync's arrival to its last copy. */
interface Convergences {
  /** In between the others. */
  alone: number[];
  /** Both ConfigMapSyncs come at the same moment. */
  together: number;
  /** In the midst of the crowd's first judgement. */
  judged: number;
  rechecked: number;
}

class FairnessBench {
  readonly #rig: Rig;
  readonly #tenant: BenchTenant;
  readonly #crowd: Crowd;
  readonly #good: readonly string[];

  constructor(rig: Rig, tenant: BenchTenant, crowd: Crowd) {
    this.#rig = rig;
    this.#tenant = tenant;
    this.#crowd = crowd;
    this.#good = tenant.targets.slice(0, GOOD);
  }

  /** How many good targets there are. */
  get size(): number {
    return this.#good.length;
  }

  /** All of them in turns, so that what else the machine does is the same for each. */
  async run(run: number, signal: AbortSignal): Promise<Convergences> {
    const alone = [await this.#alone(`alone-${run}-1`, signal)];
    const together = await this.#arriveTogether(`together-${run}`);
    await this.#crowd.denied();
    const rechecked = await this.#besideReviews(`rechecked-${run}`, await this.#logFromNow());
    await this.#crowd.leave();
    for (const turn of [2, 3]) alone.push(await this.#alone(`alone-${run}-${turn}`, signal));
    const arrival = await this.#logFromNow();
    await this.#crowd.arrive();
    const judged = await this.#besideReviews(`judged-${run}`, arrival);
    await this.#crowd.denied();
    await this.#crowd.leave();
    return { alone, together, judged, rechecked };
  }

  async #alone(name: string, signal: AbortSignal): Promise<number> {
    await systemClock.sleep(SETTLE_MILLISECONDS, signal);
    return this.#converge(name);
  }

  async #arriveTogether(name: string): Promise<number> {
    const arrival = await this.#logFromNow();
    await this.#crowd.arrive();
    return this.#converge(name, arrival);
  }

  /** Begins when the crowd is looked at. */
  async #besideReviews(name: string, log: AuditLog): Promise<number> {
    await waitUntil(async () => (await this.#reviews(log)) > 0, {
      what: "a look at the other tenant's rights",
      timeoutMilliseconds: REVIEW_MILLISECONDS,
      intervalMilliseconds: 10,
    });
    return this.#converge(name, log);
  }

  /** @param crowded Where given, the crowd must have been looked at meanwhile: else nothing was measured. */
  async #converge(name: string, crowded?: AuditLog): Promise<number> {
    const log = await this.#logFromNow();
    await this.#tenant.createSync(name, SOURCE, this.#good);
    // Looking costs what is measured: the audit log tells the times afterwards just as well.
    await systemClock.sleep(UNDISTURBED_MILLISECONDS);
    const written = await waitForCopies(log, this.#tenant, { verb: 'create', code: 201, count: this.size });
    const [order] = await recordedRequests(log, { resource: PLURAL, verb: 'create', name });
    if (order === undefined) throw new Error('the audit log lacks the ConfigMapSync');
    const end = Math.max(...written.map(({ answeredAt }) => answeredAt));
    if (crowded !== undefined) {
      await waitUntil(async () => (await this.#reviews(crowded, end)) > 0, {
        what: 'the other tenant to be looked at after the last copy: both have to go on at the same time',
        timeoutMilliseconds: WAIT_MILLISECONDS,
      });
    }
    await this.#tenant.deleteSync(name);
    return end - order.receivedAt;
  }

  /** How many looks at the crowd's rights were answered since `after` (milliseconds since the epoch). */
  async #reviews(log: AuditLog, after = 0): Promise<number> {
    const requests = await recordedRequests(log, { username: this.#crowd.username, verb: 'create' });
    return requests.filter(
      ({ objectRef, answeredAt }) =>
        answeredAt > after && /^selfsubject(rules|access)reviews$/.test(objectRef?.resource ?? ''),
    ).length;
  }

  #logFromNow(): Promise<AuditLog> {
    return AuditLog.fromNow(this.#rig.plane.auditLog);
  }
}
