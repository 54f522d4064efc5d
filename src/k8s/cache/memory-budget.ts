import { splitKey } from '../client/objects.js';
import { count } from '../util/fair-list.js';

/** As a part of the budget: the most beyond it, for objects that wait for their deletion; one may be larger. */
const DELETION_PART = 1 / 4;

interface Weight {
  bytes: number;
  /** What is refused stays as heavy as it was found, until its spec is another one. */
  generation: number | undefined;
  /** It is being deleted, and waits for something that is to be done before. */
  isLeaving: boolean;
}

/** `beyond`: held for its deletion although there is no room for it. */
type Entry = Weight & { state: 'refused' | 'held' | 'beyond' };

/**
 * Shares memory for objects, known by their keys, between their namespaces: whoever is alone may use all of it, and makes room
 * for others as long as it has more than its share. See docs/design/0026-memory-budget.md.
 */
export class MemoryBudget {
  readonly #limit: number;
  readonly #onDisplaced: (key: string) => void;
  /** In the order in which they were first seen. */
  readonly #entries = new Map<string, Entry>();
  /** How many objects each namespace has, and how many bytes are held of them. */
  readonly #objects = new Map<string, number>();
  readonly #used = new Map<string, number>();
  #usedByAll = 0;
  readonly #refused = new Map<string, number>();
  /** Bytes, by namespace: one object of each at a time. */
  readonly #beyond = new Map<string, number>();

  /**
   * @param limit Bytes of heap.
   * @param onDisplaced An object must be held no longer: its namespace has more than its share, and others need the room.
   */
  constructor(limit: number, onDisplaced: (key: string) => void) {
    this.#limit = limit;
    this.#onDisplaced = onDisplaced;
  }

  /** How many objects are refused, by namespace. */
  get refused(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  /** Weighs an object, again where it is known. False where it must not be held. */
  admit(key: string, weight: Weight): boolean {
    const before = this.#entries.get(key);
    if (before === undefined) count(this.#objects, splitKey(key).namespace, 1);
    else this.#count(key, before, -1);
    const isKnown = before?.state === 'refused' && before.generation === weight.generation;
    const entry: Entry = { ...weight, state: 'refused' };
    if (isKnown) entry.bytes = Math.max(before.bytes, weight.bytes);
    // What is held stays so, however much others have come to use, as long as it does not grow.
    const keeps = before?.state === 'held' && entry.bytes <= before.bytes;
    entry.state = keeps ? 'held' : this.#stateOf(key, entry);
    this.#entries.set(key, entry);
    this.#count(key, entry, 1);
    this.#makeRoom();
    return entry.state !== 'refused';
  }

  /** The object is gone. */
  release(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#count(key, entry, -1);
    this.#entries.delete(key);
    count(this.#objects, splitKey(key).namespace, -1);
  }

  /** An object that was refused and would be held now, of those that are there. */
  next(isThere: (key: string) => boolean): string | undefined {
    for (const [key, entry] of this.#entries) {
      if (entry.state === 'refused' && isThere(key) && this.#stateOf(key, entry) !== 'refused') return key;
    }
    return undefined;
  }

  /** Bytes that a namespace uses, and the most that it may use now. */
  usage(namespace: string): { used: number; allowed: number } {
    const used = this.#used.get(namespace) ?? 0;
    const unused = Math.max(this.#limit - this.#usedByAll, 0);
    return { used, allowed: Math.max(used + unused, this.#share) };
  }

  get #share(): number {
    return this.#limit / Math.max(this.#objects.size, 1);
  }

  #stateOf(key: string, { bytes, isLeaving }: Weight): Entry['state'] {
    const { namespace } = splitKey(key);
    const { used, allowed } = this.usage(namespace);
    if (used + bytes <= allowed) return 'held';
    if (!isLeaving || this.#beyond.has(namespace)) return 'refused';
    const ofOthers = [...this.#beyond.values()].reduce((sum, each) => sum + each, 0);
    return ofOthers > 0 && ofOthers + bytes > this.#limit * DELETION_PART ? 'refused' : 'beyond';
  }

  /** The namespace that has most gives back what it got last, as long as that is more than its share. */
  #makeRoom(): void {
    while (this.#usedByAll > this.#limit) {
      const [most] = [...this.#used].toSorted(([, a], [, b]) => b - a);
      if (most === undefined || most[1] <= this.#share) return;
      const isOfMost = ([key, { state }]: [string, Entry]): boolean =>
        state === 'held' && splitKey(key).namespace === most[0];
      const [key, entry] = [...this.#entries].findLast(isOfMost) ?? [];
      if (key === undefined || entry === undefined) return;
      this.#count(key, entry, -1);
      entry.state = 'refused';
      this.#count(key, entry, 1);
      this.#onDisplaced(key);
    }
  }

  #count(key: string, { bytes, state }: Entry, sign: 1 | -1): void {
    const { namespace } = splitKey(key);
    if (state === 'refused') count(this.#refused, namespace, sign);
    if (state === 'beyond' && sign > 0) this.#beyond.set(namespace, bytes);
    if (state === 'beyond' && sign < 0) this.#beyond.delete(namespace);
    if (state !== 'held') return;
    count(this.#used, namespace, sign * bytes);
    this.#usedByAll += sign * bytes;
  }
}

/** About how many bytes of V8's heap a value that was parsed from JSON takes, in Node.js, which compresses no pointers. */
export function heapBytes(value: unknown): number {
  // One character beyond Latin-1 makes two bytes of each.
  if (typeof value === 'string') return 24 + value.length * (/[^\0-\xff]/.test(value) ? 2 : 1);
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + 8 + heapBytes(each), 40);
  const fields = Object.entries(value);
  // Many names make a dictionary: with larger entries, and names that no other object has.
  const ofName = (name: string): number => (fields.length > 20 ? 48 + name.length : 8);
  return fields.reduce((sum, [name, each]) => sum + ofName(name) + heapBytes(each), 32);
}
