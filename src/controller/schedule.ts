export interface Intervals {
  /** How often a source that may not be watched is looked at, in milliseconds. */
  pollMs: number;
  /** How often everything is looked at whatever watches tell, in milliseconds. */
  resyncMs: number;
}

/** The longest that recovery from a denial waits, in milliseconds. */
export const RECOVERY_MS = 15_000;
/** How often to look whether it can begin: what is left of the time is for the look itself, and for a busy moment. */
const RECOVERY_LOOK_MS = 0.8 * RECOVERY_MS;

/** When to look again where nothing tells that it is time; all in milliseconds from now. */
export class Schedule {
  readonly intervals: Intervals;
  readonly #random: () => number;

  constructor(intervals: Intervals, random: () => number) {
    this.intervals = intervals;
    this.#random = random;
  }

  /** Where a source may not be watched. */
  pollMs(): number {
    return this.#jittered(this.intervals.pollMs);
  }

  /** Where something is refused that may be granted at any time. */
  recoveryMs(): number {
    return this.#jittered(Math.min(this.intervals.pollMs, RECOVERY_LOOK_MS));
  }

  resyncMs(): number {
    return this.#jittered(this.intervals.resyncMs);
  }

  /** Up to a tenth less, so that many do not come due at once. */
  #jittered(milliseconds: number): number {
    return milliseconds * (1 - 0.1 * this.#random());
  }
}
