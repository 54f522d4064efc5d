import { getHeapStatistics } from 'node:v8';
import { steadyClock, type Clock } from '../k8s/util/clock.js';
import { count, FairList } from '../k8s/util/fair-list.js';
import type { ServiceAccount } from '../api/kubernetes.js';

/**
 * `work` goes first, at all tenants; then what is `new`; `background` is what is denied, has failed, or is only checked
 * again. The lower ones get a share all the same, but a tenant's own `background` waits until it has nothing `new`.
 */
export const PRIORITIES = ['work', 'new', 'background'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Something to start when a seat is there. */
export interface Task {
  readonly account: ServiceAccount;
  readonly priority: Priority;
  /** What its requests and answers keep in memory, about. Large ones take several seats. Default: 0. */
  readonly bytes?: number;
  start(leave: Leave): void;
}

/** Gives the seat back; to be called once. */
type Leave = () => void;

interface Seat {
  readonly tenant: string;
  readonly priority: Priority;
  readonly since: number;
  /** As how many it counts. */
  readonly width: number;
  slow: boolean;
}

const HEAP_BYTES = getHeapStatistics().heap_size_limit;
/** What takes longer gives its seat to others, in milliseconds. */
const SLOW_MS = 250;
/** For two of eight seats a lower priority is asked first: each of them gets its share. */
const LOWER_FIRST: Partial<Record<number, readonly Priority[]>> = {
  3: ['background', 'new', 'work'],
  7: ['new', 'background', 'work'],
};
/** So many times the number of seats are the most that is under way. */
export const MOST_UNDER_WAY = 5;
/** A tenant is alone when nobody else was served for so long, in milliseconds. */
const ALONE_MS = 2000;
/** The part of all seats that one priority may have at a time. */
type Shares = Readonly<Record<Priority, number>>;
const SHARES: Shares = { work: 1, new: 1 / 2, background: 1 / 4 };
/** Of requests, those of low priority are questions about permissions: many of them take the processor from others' work. */
export const REQUEST_SHARES: Shares = { work: 1, new: 1 / 4, background: 1 / 8 };

/**
 * Bounds how much is under way at once and shares the seats fairly, by tenant (namespace), then by ServiceAccount: a tenant that
 * is not alone has a quarter, and what is slow gives its seat back while it goes on. See docs/design/0005-fairness-by-tenant.md.
 */
export class FairQueue {
  readonly #seats: number;
  readonly #clock: Clock;
  readonly #shares: Shares;
  readonly #bytesPerSeat: number;
  readonly #waiting: Record<Priority, FairList<Task>> = {
    work: new FairList(2),
    new: new FairList(2),
    background: new FairList(2),
  };
  /** Seats that are taken, in the order in which they were. */
  readonly #taken = new Set<Seat>();
  readonly #takenOf: Record<Priority, number> = { work: 0, new: 0, background: 0 };
  /** By tenant, what is slow included. */
  readonly #underWay = new Map<string, number>();
  /** By tenant: how many seats it has, and how many of them for what is new. */
  readonly #seatsOf = new Map<string, number>();
  readonly #newOf = new Map<string, number>();
  readonly #bySignal = new Map<AbortSignal, Set<Waiter>>();
  readonly #onAbort = ({ target }: Event): void => this.#giveUp(target as AbortSignal);
  /** Who was served last, when, and when anybody else was. */
  readonly #last = { tenant: '', at: -Infinity, othersAt: -Infinity };
  /** Seats that are taken, and those that slow ones gave back. */
  #inUse = 0;
  #slow = 0;
  #given = 0;
  #timer = false;
  #dispatching = false;

  /**
   * @param seats How many there are, at least 1.
   * @param bytes See {@link Task}: the most of all that is under way, but for what is larger by itself.
   * @param clock With one that can be set back, slow ones would keep their seats for as much longer.
   */
  constructor(seats: number, clock: Clock = steadyClock, shares = SHARES, bytes = HEAP_BYTES / 16) {
    this.#shares = shares;
    this.#bytesPerSeat = bytes / (MOST_UNDER_WAY * seats);
    this.#seats = seats;
    this.#clock = clock;
  }

  /** How many tasks wait for a seat. */
  get waiting(): number {
    return PRIORITIES.reduce((sum, priority) => sum + this.#waiting[priority].size, 0);
  }

  add(task: Task): void {
    this.#waiting[task.priority].add(pathOf(task), task);
    this.#dispatch();
  }

  /** False where it has started, or was never added. */
  remove(task: Task): boolean {
    return this.#waiting[task.priority].remove(pathOf(task), task);
  }

  async run<T>(
    account: ServiceAccount,
    priority: Priority,
    task: () => Promise<T>,
    signal?: AbortSignal,
    bytes = 0,
  ): Promise<T> {
    const leave = await this.acquire(account, priority, signal, bytes);
    try {
      return await task();
    } finally {
      leave();
    }
  }

  /** Resolves, as soon as there is a seat, to the function that gives it back. Rejects when the signal aborts. */
  acquire(account: ServiceAccount, priority: Priority, signal?: AbortSignal, bytes = 0): Promise<Leave> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const waiter: Waiter = {
        account,
        priority,
        bytes,
        reject,
        start: (leave) => {
          if (signal !== undefined) this.#leaveGroup(signal, waiter);
          resolve(leave);
        },
      };
      if (signal !== undefined) this.#joinGroup(signal, waiter);
      this.add(waiter);
    });
  }

  #dispatch(): void {
    // A task may add or end others while it starts: the loop below sees that.
    if (this.#dispatching) return;
    this.#dispatching = true;
    try {
      while (this.waiting > 0) {
        this.#displaceSlow();
        if (this.#inUse >= this.#seats) break;
        const task = this.#next();
        if (task === undefined) break;
        this.#begin(task);
      }
    } finally {
      this.#dispatching = false;
    }
    if (this.waiting > 0) this.#lookAgain();
  }

  #next(): Task | undefined {
    for (const priority of LOWER_FIRST[this.#given % 8] ?? PRIORITIES) {
      if (this.#takenOf[priority] >= Math.max(1, Math.floor(this.#seats * this.#shares[priority]))) continue;
      const task = this.#waiting[priority].take((tenant) => this.#may(tenant, priority));
      if (task !== undefined) return task;
    }
    return undefined;
  }

  #begin(task: Task): void {
    const tenant = task.account.namespace;
    const width = Math.max(1, Math.ceil((task.bytes ?? 0) / this.#bytesPerSeat));
    const seat: Seat = { tenant, priority: task.priority, since: this.#clock.now(), width, slow: false };
    this.#given += 1;
    if (tenant !== this.#last.tenant) this.#last.othersAt = this.#last.at;
    this.#last.tenant = tenant;
    this.#last.at = seat.since;
    this.#taken.add(seat);
    this.#inUse += width;
    this.#takenOf[seat.priority] += width;
    count(this.#underWay, tenant, width);
    count(this.#seatsOf, tenant, width);
    if (seat.priority === 'new') count(this.#newOf, tenant, width);
    let held = true;
    task.start(() => {
      if (!held) return;
      held = false;
      count(this.#underWay, tenant, -width);
      if (seat.slow) this.#slow -= width;
      else this.#giveBack(seat);
      this.#dispatch();
    });
  }

  #giveBack(seat: Seat): void {
    this.#taken.delete(seat);
    this.#inUse -= seat.width;
    this.#takenOf[seat.priority] -= seat.width;
    count(this.#seatsOf, seat.tenant, -seat.width);
    if (seat.priority === 'new') count(this.#newOf, seat.tenant, -seat.width);
  }

  /** However many tenants have slow ones, each leaves something to the next. Nobody who is quick comes near this. */
  #may(tenant: string, priority: Priority): boolean {
    if (priority === 'background' && (this.#waiting.new.has(tenant) || this.#newOf.has(tenant))) return false;
    const left = MOST_UNDER_WAY * this.#seats - this.#slow - this.#inUse;
    if ((this.#underWay.get(tenant) ?? 0) >= Math.max(2, left / 2)) return false;
    const othersAt = tenant === this.#last.tenant ? this.#last.othersAt : this.#last.at;
    const isAlone = this.#clock.now() - othersAt > ALONE_MS;
    return isAlone || (this.#seatsOf.get(tenant) ?? 0) < Math.max(2, this.#seats / 4);
  }

  #displaceSlow(): void {
    const before = this.#clock.now() - SLOW_MS;
    for (const seat of this.#taken) {
      if (seat.since > before || this.#slow >= (MOST_UNDER_WAY - 1) * this.#seats) return;
      seat.slow = true;
      this.#slow += seat.width;
      this.#giveBack(seat);
    }
  }

  /** While something waits, a seat may become free before it is given back. */
  #lookAgain(): void {
    const [eldest] = this.#taken;
    if (this.#timer || eldest === undefined) return;
    const dueMs = eldest.since + SLOW_MS - this.#clock.now();
    if (dueMs < 0) return;
    this.#timer = true;
    void this.#clock.sleep(dueMs + 1).then(() => {
      this.#timer = false;
      this.#dispatch();
    });
  }

  /**
   * Those that wait with one signal share one listener: a signal walks through its listeners for each that is added or
   * removed, and hundreds wait with the same.
   */
  #joinGroup(signal: AbortSignal, waiter: Waiter): void {
    const group = this.#bySignal.get(signal) ?? new Set();
    if (group.size === 0) signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#bySignal.set(signal, group.add(waiter));
  }

  #leaveGroup(signal: AbortSignal, waiter: Waiter): void {
    const group = this.#bySignal.get(signal);
    group?.delete(waiter);
    if (group?.size !== 0) return;
    signal.removeEventListener('abort', this.#onAbort);
    this.#bySignal.delete(signal);
  }

  #giveUp(signal: AbortSignal): void {
    const waiters = this.#bySignal.get(signal) ?? [];
    this.#bySignal.delete(signal);
    for (const waiter of waiters) {
      this.remove(waiter);
      waiter.reject(signal.reason);
    }
  }
}

interface Waiter extends Task {
  reject: (reason: unknown) => void;
}

function pathOf({ account }: Task): [string, string] {
  return [account.namespace, account.name];
}
