import { abortable, deadline, follow } from '../util/async.js';
import { type Clock, steadyClock } from '../util/clock.js';
import { CauseLog, type RuntimeLog } from '../util/cause-log.js';
import { isApiError } from '../client/errors.js';
import { messageOf } from '../util/text.js';
import { LeaseLock, type LeaseOptions } from './lease-lock.js';

export interface LeaderElectorOptions extends LeaseOptions {
  /** How long others wait for a leader that has gone silent. Default: 15,000. */
  leaseDurationMs?: number;
  /** How long a leader that cannot renew goes on. Default: 10,000. */
  renewDeadlineMs?: number;
  /** Default: 2,000, and up to 20 % more at random while waiting for the Lease. */
  retryPeriodMs?: number;
  log: RuntimeLog;
  /** Default: steadyClock. One that can be set back would let two lead. */
  clock?: Clock;
  random?: () => number;
  /** leader_election_master_status: called with false at the start, and with every change. */
  onLeading?: ((leads: boolean) => void) | undefined;
}

/** client-go's. */
const DEFAULTS = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
  clock: steadyClock,
  random: Math.random,
};
const JITTER = 1.2;
/** For giving the Lease back: whoever waits for us to end does not wait for ever. */
const RELEASE_TIMEOUT_MS = 3_000;

/**
 * Runs something while this process holds a Lease, with the semantics of client-go's leaderelection: who leads renews; who
 * does not waits until the Lease has stood still for its whole duration by this process's own clock, since clocks of two
 * machines never agree. A leader gives up well before others may take over.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions & typeof DEFAULTS;
  readonly #lock: LeaseLock;
  readonly #causes: CauseLog;

  constructor(options: LeaderElectorOptions) {
    this.#options = { ...DEFAULTS, ...options };
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = this.#options;
    if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs * JITTER)) {
      throw new RangeError(
        'a lease duration must exceed the renew deadline, and that the retry period by 20 %',
      );
    }
    this.#lock = new LeaseLock(this.#options);
    this.#causes = new CauseLog(options.log, { lease: `${options.namespace}/${options.name}` });
  }

  /**
   * Waits for the Lease, then calls `lead` once. `leading` aborts when the signal does, and when the Lease could not be renewed
   * for the renew deadline or somebody else holds it: nothing may be written after that.
   * `released`: the signal aborted or `lead` ended by itself; the Lease is free as soon as `lead` was over.
   * `lost`: the caller should end the process, or run again.
   * @throws what `lead` throws, unless it was told to stop.
   */
  async run(
    signal: AbortSignal,
    lead: (leading: AbortSignal) => Promise<void>,
  ): Promise<'released' | 'lost'> {
    this.#options.onLeading?.(false);
    if (!(await this.#acquire(signal))) return 'released';
    this.#options.onLeading?.(true);
    const leading = new AbortController();
    const renewing = new AbortController();
    const unfollow = follow(signal, leading);
    const renewal = this.#renewUntilLost(renewing.signal).then((lost) => {
      if (lost) {
        this.#options.onLeading?.(false);
        leading.abort(new Error(`the Lease ${this.#options.namespace}/${this.#options.name} is lost`));
      }
      return lost;
    });
    try {
      // Renewed until it is over, also after the abort: others must not start while we finish.
      await lead(leading.signal);
    } catch (error) {
      const toldToStop = error === leading.signal.reason || (error as Error).name === 'AbortError';
      if (!leading.signal.aborted || !toldToStop) throw error;
    } finally {
      unfollow();
      renewing.abort();
      if (!(await renewal)) {
        this.#options.onLeading?.(false);
        await this.#release();
      }
    }
    return (await renewal) ? 'lost' : 'released';
  }

  /** @returns false when the signal aborted first. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#attempt(signal, this.#options.renewDeadlineMs)) return true;
      const wait = this.#options.retryPeriodMs * (1 + (JITTER - 1) * this.#options.random());
      await this.#options.clock.sleep(wait, signal).catch(() => undefined);
    }
    return false;
  }

  /** @returns true when the Lease is lost, false when the signal aborted. */
  async #renewUntilLost(signal: AbortSignal): Promise<boolean> {
    const { clock, log, renewDeadlineMs, retryPeriodMs } = this.#options;
    for (;;) {
      // From the last renewal that the API server confirmed, from the moment it was sent.
      const until = this.#lock.renewedAt + renewDeadlineMs;
      const pause = Math.min(retryPeriodMs, until - clock.now());
      await clock.sleep(Math.max(pause, 0), signal).catch(() => undefined);
      if (signal.aborted) return false;
      const left = until - clock.now();
      if (left <= 0) {
        log.warn('leader election: the Lease could not be renewed in time, giving it up');
        return true;
      }
      // Half of it at most: a connection that has gone silent leaves time for a try over another one.
      await this.#attempt(signal, Math.min(left, renewDeadlineMs / 2));
      if (!this.#lock.isOurs) {
        log.warn('leader election: somebody else holds the Lease', { holder: this.#lock.holder });
        return true;
      }
    }
  }

  /** One try to get or keep the Lease, for no longer than `milliseconds`. @returns whether we hold it. */
  async #attempt(signal: AbortSignal, milliseconds: number): Promise<boolean> {
    const attempt = new AbortController();
    const unfollow = follow(signal, attempt);
    try {
      signal.throwIfAborted();
      this.#options.clock.sleep(milliseconds, attempt.signal).then(
        () => attempt.abort(new Error('the API server did not answer in time')),
        () => undefined,
      );
      await abortable(this.#lock.acquireOrRenew(attempt.signal), attempt.signal);
      this.#causes.recovered('leader election: the Lease can be read and written again');
      return this.#lock.isOurs;
    } catch (error) {
      // A conflict means that somebody else was quicker, which the next look will show.
      if (!signal.aborted && !isApiError(error, 409)) {
        this.#causes.failed(`leader election: ${messageOf(error)}; trying again`, error);
      }
      return false;
    } finally {
      attempt.abort();
      unfollow();
    }
  }

  async #release(): Promise<void> {
    const limit = deadline(undefined, RELEASE_TIMEOUT_MS);
    try {
      await this.#lock.release(limit.signal);
    } catch (error) {
      // It expires by itself.
      this.#options.log.warn(`leader election: the Lease could not be given back: ${messageOf(error)}`);
    } finally {
      limit.clear();
    }
  }
}
