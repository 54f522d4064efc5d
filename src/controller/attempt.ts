import type { NamespacedName } from '../api/kubernetes.js';
import type { CopyReference, Verb } from '../api/v1alpha1/config-map-sync-status.js';
import { isApiError, UNANSWERED_CODES, type ApiError } from '../k8s/client/errors.js';
import { messageOf } from '../k8s/util/text.js';
import {
  configMapJson,
  parseStored,
  type ConfigMap,
  type ConfigMapMetadata,
  type CopyBody,
  type StoredConfigMap,
} from '../sync/config-map.js';
import { withoutMarks } from '../sync/copy-template.js';
import type { Decision } from '../sync/decide.js';
import { isOwnCopy } from '../sync/ownership.js';
import {
  addWork,
  NO_WORK,
  type RemovalMode,
  type TargetOutcome,
  type TargetResult,
  type WorkCounts,
} from '../sync/result.js';
import type { AccessDecision, ConfigMapWrite, TenantConfigMaps } from '../tenant/tenant-config-maps.js';
import type { Session } from '../tenant/tenancy.js';
import type { OperationResult, TargetItem, TargetWorkerOptions } from './target-worker.js';

/** A webhook may name any number, and nobody means years. */
const MAX_WAIT_SECONDS = 3_600;

/** The writes of one target: `plan` records them instead of carrying them out. */
export type Apply = Pick<TenantConfigMaps, 'create' | 'update' | 'delete'>;

export type ApplyFor = (session: Session, onDecision: (decision: AccessDecision) => void) => Apply;

/** A request of one verb that the API server did not carry out. */
export class Refused extends Error {
  override readonly name = 'Refused';
  declare readonly cause: ApiError;

  constructor(
    readonly verb: Verb,
    cause: ApiError,
  ) {
    super(cause.message, { cause });
  }

  /** Whether the API server decided. A fault of its own says nothing of what was to be read, and is why a write is not there. */
  get isDecision(): boolean {
    return isAnswer(this.cause) && !(this.verb === 'get' && this.cause.code >= 500);
  }
}

/** One attempt at one target: its requests, and what they have shown so far. Its result is a value. */
export class Attempt {
  readonly item: TargetItem;
  readonly signal: AbortSignal;
  retry: TargetResult['retry'];
  /** A create went unanswered: there may be a copy that is not recorded. */
  #uncertain = false;
  readonly #onOperation: TargetWorkerOptions['onOperation'];
  readonly #isLiving: TargetWorkerOptions['isLiving'];
  readonly #reads: TenantConfigMaps;
  readonly #apply: Apply;
  readonly #refused = new Set<Verb>();
  #copies: readonly CopyReference[];
  #work: WorkCounts = NO_WORK;

  constructor(item: TargetItem, signal: AbortSignal, options: TargetWorkerOptions) {
    this.item = item;
    this.signal = signal;
    this.#copies = item.record.copies;
    this.#onOperation = options.onOperation;
    this.#isLiving = options.isLiving;
    const onDecision = (decision: AccessDecision): void => {
      if (decision.decision === 'denied') this.#refused.add(decision.verb);
      options.onDecision(item.plan, decision);
    };
    this.#reads = item.session.configMaps(onDecision);
    this.#apply = options.applyFor(item.session, onDecision);
  }

  /** The copies as far as this attempt knows. */
  get copies(): readonly CopyReference[] {
    return this.#copies;
  }

  result(
    outcome: TargetOutcome | undefined,
    found: Partial<Pick<TargetResult, 'copies' | 'leftovers' | 'retry' | 'auditID'>> = {},
  ): TargetResult {
    return {
      outcome,
      copies: this.#copies,
      work: this.#work,
      leftovers: [],
      retry: this.retry,
      refused: [...this.#refused],
      ...(this.#uncertain && { uncertain: true }),
      ...found,
    };
  }

  /** Nothing was found out; what was done until then counts. */
  unknown(error: unknown): TargetResult {
    const cause = error instanceof Refused ? error.cause : error;
    const seconds = isApiError(cause) ? cause.retryAfterSeconds : undefined;
    // Less than a second would be no wait.
    const holdMs = 1000 * Math.min(Math.max(seconds ?? 0, 1), MAX_WAIT_SECONDS);
    return {
      ...this.result(undefined),
      retry: seconds === undefined ? 'backoff' : { holdMs },
      error: messageOf(cause),
    };
  }

  /**
   * Reads a ConfigMap and gives what `look` makes of it. Nothing else is kept: parsed, one may take 20 MiB.
   * @throws Refused for any answer but the object and 404
   */
  async read<T>(name: string, look: (found: ConfigMap | undefined) => T): Promise<T> {
    try {
      const found = await this.#reads.get<ConfigMap>(this.item.namespace, name, this.signal);
      // The API server keeps them where a write leaves them out; they name each key of the content.
      delete found.metadata.managedFields;
      return look(found);
    } catch (error) {
      if (isApiError(error, 404)) return look(undefined);
      if (isApiError(error)) throw new Refused('get', error);
      throw error;
    }
  }

  /** @throws Refused where the API server does not do it. */
  async carryOut(decision: Exclude<Decision, { action: 'conflict' }>): Promise<StoredConfigMap> {
    if (decision.action === 'none') {
      this.confirm(decision.existing);
      return { metadata: decision.existing };
    }
    if (decision.action === 'replace') {
      await this.#rehearse(decision.desired);
      await this.#delete(decision.existing);
    }
    const written = await this.#put(decision.action === 'update' ? 'update' : 'create', decision.desired);
    this.#count(decision.action === 'create' ? { created: 1 } : { updated: 1 });
    this.confirm(written.metadata);
    return written;
  }

  /** Whether this is a copy of ours, as far as this attempt knows. */
  isOwn(metadata: ConfigMapMetadata): boolean {
    const { plan, record } = this.item;
    return isOwnCopy(metadata, { owner: plan.owner, record, isLiving: this.#isLiving });
  }

  /** The API server confirmed that this ConfigMap is a copy of ours. */
  confirm({ name, uid = '' }: ConfigMapMetadata): void {
    if (this.#copies.some((copy) => copy.name === name && copy.uid === uid)) return;
    this.#copies = [...this.#copies.filter((copy) => copy.name !== name), { name, uid }];
  }

  /** The copy of this name is there no more, or is none. */
  forgetCopy(name: string): void {
    this.#copies = this.#copies.filter((copy) => copy.name !== name);
  }

  /** @throws Refused where the API server does not do it. */
  async remove({ metadata, content }: CopyBody, mode: RemovalMode): Promise<void> {
    if (mode === 'delete') await this.#delete(metadata);
    else await this.#put('update', { metadata: withoutMarks(metadata), content });
    this.forgetCopy(metadata.name);
    this.#count(mode === 'delete' ? { deleted: 1 } : { updated: 1 });
  }

  async #delete({ name, uid, resourceVersion }: ConfigMapMetadata): Promise<void> {
    const seen = { namespace: this.item.namespace, name, uid, resourceVersion };
    await this.#send('delete', () => this.#apply.delete(seen, this.signal));
    this.forgetCopy(name);
  }

  async #put(verb: 'create' | 'update', desired: CopyBody): Promise<StoredConfigMap> {
    const { place, write } = this.#writeOf(desired);
    return this.#send(verb, () => this.#apply[verb](place, write, this.signal));
  }

  /**
   * A deletion is not undone: what would refuse the successor has to be known before. Quotas count it beside what it replaces.
   * @throws Refused where anything but the name, which is looked at last, stands in its way
   */
  async #rehearse(desired: CopyBody): Promise<void> {
    const { place, write } = this.#writeOf(desired);
    try {
      await this.#apply.create(place, write, this.signal, true);
    } catch (error) {
      if (isApiError(error, 409)) return;
      if (isApiError(error)) throw new Refused('create', error);
      throw error;
    }
  }

  #writeOf(desired: CopyBody): { place: NamespacedName; write: ConfigMapWrite<StoredConfigMap> } {
    const json = (): Buffer => configMapJson(desired);
    const read = (answer: Buffer): StoredConfigMap => parseStored(answer, desired.content);
    const place = { namespace: this.item.namespace, name: desired.metadata.name };
    return { place, write: { json, read } };
  }

  async #send<T>(verb: Exclude<Verb, 'get'>, call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call();
      this.#onOperation(verb, 'success');
      return answer;
    } catch (error) {
      this.#onOperation(verb, resultOf(error));
      // Without an answer it may have been carried out.
      this.#uncertain ||= verb === 'create' && !(isApiError(error) && isAnswer(error));
      if (isApiError(error)) throw new Refused(verb, error);
      throw error;
    }
  }

  #count(work: Partial<WorkCounts>): void {
    this.#work = addWork(this.#work, { ...NO_WORK, ...work });
  }
}

/** Whether the API server decided; otherwise it could not, or nothing was heard of it. */
export function isAnswer({ code }: ApiError): boolean {
  return ![...UNANSWERED_CODES, 408, 429].includes(code);
}

function resultOf(error: unknown): OperationResult {
  if (isApiError(error, 403)) return 'denied';
  return isApiError(error, 409) ? 'conflict' : 'error';
}

/** A 404 for a create speaks of the namespace: the ConfigMap itself need not exist. */
export function isNamespaceGone(error: ApiError): boolean {
  return error.code === 404 && error.message.startsWith('namespaces "');
}
