/** A ConfigMap that was seen in the state that `fingerprint` describes and has not changed since. */
interface CachedCopy {
  resourceVersion: string;
  fingerprint: string;
  /** The ConfigMapSync that wrote or read it. */
  reader: string;
}

/** A read or write under way. Until it ends, what the watch tells of its object cannot be told from its own echo. */
export interface Observation {
  /** The API server's answer: the object is at `resourceVersion` and as `fingerprint` describes. */
  confirm(resourceVersion: string, fingerprint: string): void;
  /** Nothing was learnt. Ends the observation, also after {@link confirm}: call it always. */
  end(): void;
}

/** Which copies in one namespace need no look: a watch has covered them since they were last seen. Holds nothing of others. */
export class CopyCache {
  readonly #copies = new Map<string, CachedCopy>();
  readonly #underWay = new Map<string, { reader: string; seen: string | undefined }[]>();
  readonly #changed: (name: string, except: string | undefined) => void;
  /** Another one after each gap: what was seen before it says nothing afterwards. */
  #coverage: symbol | undefined;

  /** @param changed An object is not as it was last seen; `except` names the reader whose own write it was. */
  constructor(changed: (name: string, except: string | undefined) => void) {
    this.#changed = changed;
  }

  get covered(): boolean {
    return this.#coverage !== undefined;
  }

  /** True where the object is as `fingerprint` describes and nothing can have happened to it unseen. */
  isCurrent(name: string, fingerprint: string): boolean {
    return this.covered && this.#copies.get(name)?.fingerprint === fingerprint;
  }

  track(name: string, reader: string): Observation {
    const observation = { reader, seen: undefined as string | undefined };
    this.#underWay.set(name, [...(this.#underWay.get(name) ?? []), observation]);
    const coverage = this.#coverage;
    return {
      confirm: (resourceVersion, fingerprint) => {
        if (observation.seen !== undefined && observation.seen !== resourceVersion) return;
        observation.seen = undefined;
        if (coverage === undefined || coverage !== this.#coverage) return;
        this.#copies.set(name, { resourceVersion, fingerprint, reader });
      },
      end: () => {
        // Something else happened meanwhile: whoever was not told then is told now.
        if (observation.seen !== undefined) this.#changed(name, undefined);
        const rest = (this.#underWay.get(name) ?? []).filter((other) => other !== observation);
        if (rest.length > 0) this.#underWay.set(name, rest);
        else this.#underWay.delete(name);
      },
    };
  }

  /** The watch tells of a change of any object in the namespace. */
  changed(name: string, resourceVersion: string): void {
    const underWay = this.#underWay.get(name) ?? [];
    for (const observation of underWay) observation.seen = resourceVersion;
    const known = this.#copies.get(name);
    const isKnown = known?.resourceVersion === resourceVersion;
    if (!isKnown) this.#copies.delete(name);
    this.#changed(name, isKnown ? known.reader : underWay[0]?.reader);
  }

  /** A watch covers the namespace, or the name, from now on. */
  cover(): void {
    this.#coverage ??= Symbol();
  }

  uncover(): void {
    this.#coverage = undefined;
    this.#copies.clear();
  }

  invalidate(name: string): void {
    this.#copies.delete(name);
  }
}
