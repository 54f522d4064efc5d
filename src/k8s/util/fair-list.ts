/** Items of a group served in its turn, the same for a newcomer: whoever comes and goes gets no more than who stays. */
const QUANTUM = 16;

/** Adds to the count of a group; one that has come to 0 is forgotten. */
export function count(counts: Map<string, number>, group: string, by: number): void {
  const sum = (counts.get(group) ?? 0) + by;
  if (sum > 0) counts.set(group, sum);
  else counts.delete(group);
}

/** Names the group of an item, and the group within that group, as deep as the list goes. */
type Path = readonly [string, ...string[]];

/** Items in groups that take turns, a newcomer's first, as in fq_codel (RFC 8290): docs/design/0005-fairness-by-tenant.md. */
export class FairList<T> {
  readonly #depth: number;
  readonly #groups = new Map<string, Fifo<T> | FairList<T>>();
  /** Groups that came lately and go first, and how many of their items are still served in this turn. */
  readonly #newcomers = new Map<string, number>();
  /** The same of the others: the first is whose turn it is. One that has become empty keeps its place for a round. */
  readonly #rotation = new Map<string, number>();
  #size = 0;

  /** @param depth How many levels of groups there are; each takes turns within its group. Default: 1. */
  constructor(depth = 1) {
    this.#depth = depth;
  }

  get size(): number {
    return this.#size;
  }

  /** True while an item of this group waits. */
  has(group: string): boolean {
    return this.#groups.has(group);
  }

  add(path: Path, item: T): void {
    const [group, ...rest] = path;
    let items = this.#groups.get(group);
    if (items === undefined) {
      items = this.#depth > 1 ? new FairList<T>(this.#depth - 1) : new Fifo<T>();
      this.#groups.set(group, items);
      if (!this.#rotation.has(group)) this.#newcomers.set(group, QUANTUM);
    }
    const before = items.size;
    items.add(rest as unknown as Path, item);
    this.#size += items.size - before;
  }

  /** False where it was not waiting. */
  remove(path: Path, item: T): boolean {
    const [group, ...rest] = path;
    const items = this.#groups.get(group);
    if (items?.remove(rest as unknown as Path, item) !== true) return false;
    this.#removed(group, items);
    return true;
  }

  /** Takes the next item, of a group that `may` be served; undefined where there is none. */
  take(may: (group: string) => boolean = () => true): T | undefined {
    for (const [group, credit] of this.#newcomers) {
      if (may(group)) return this.#serve(this.#newcomers, group, credit);
    }
    for (const [group, credit] of this.#rotation) {
      if (!this.#groups.has(group)) this.#rotation.delete(group);
      else if (may(group)) return this.#serve(this.#rotation, group, credit);
    }
    return undefined;
  }

  #serve(turns: Map<string, number>, group: string, credit: number): T | undefined {
    if (credit > 1) turns.set(group, credit - 1);
    else this.#toEnd(group);
    const items = this.#groups.get(group);
    const item = items?.take();
    if (items !== undefined) this.#removed(group, items);
    return item;
  }

  #toEnd(group: string): void {
    this.#newcomers.delete(group);
    this.#rotation.delete(group);
    this.#rotation.set(group, QUANTUM);
  }

  /** Coming back at once does not make a group a newcomer. */
  #removed(group: string, items: Fifo<T> | FairList<T>): void {
    this.#size -= 1;
    if (items.size > 0) return;
    this.#groups.delete(group);
    if (this.#newcomers.has(group)) this.#toEnd(group);
  }
}

/** Items in the order in which they came, each once. */
export class Fifo<T> {
  readonly #items = new Set<T>();
  /** Moves on with the items: a new iterator walks past every item that was taken since the set was last rebuilt. */
  #next = this.#items.values();

  get size(): number {
    return this.#items.size;
  }

  add(_path: unknown, item: T): void {
    this.#items.add(item);
  }

  remove(_path: unknown, item: T): boolean {
    return this.#items.delete(item);
  }

  take(): T | undefined {
    let next = this.#next.next();
    if (next.done === true) {
      // One that has been at the end sees nothing that came after.
      this.#next = this.#items.values();
      next = this.#next.next();
    }
    if (next.done === true) return undefined;
    this.#items.delete(next.value);
    return next.value;
  }
}
