import type { V1ResourceRule, V1SubjectRulesReviewStatus } from '@kubernetes/client-node';
import { reviewRequest } from '../k8s/client/review-request.js';
import type { ApiResponse } from '../k8s/client/rest-types.js';
import { abortable } from '../k8s/util/async.js';
import type { Priority } from './fair-queue.js';
import type { Tenant } from './tenant.js';
import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';

export type RulesReviewStatus = Partial<V1SubjectRulesReviewStatus>;

/** What list and watch need beside the verbs of a sync. */
export type WatchVerb = 'list' | 'watch';

/** What a SelfSubjectRulesReview, the cheap first question of docs/design/0011-permission-checks.md, says of one namespace. */
export class AccessRules {
  /** False where an authorizer could not list its rules (a webhook): then only access reviews know. */
  readonly complete: boolean;
  /** Equal digests mean equal rights. */
  readonly digest: string;
  /** False where all ConfigMaps of the namespace are equal before the rules, so that an answer for one holds for any. */
  readonly dependOnName: boolean;
  readonly #rules: V1ResourceRule[];

  constructor(status: RulesReviewStatus) {
    this.complete = status.incomplete !== true;
    this.#rules = (status.resourceRules ?? []).filter(
      (rule) => includes(rule.apiGroups, '') && includes(rule.resources, 'configmaps'),
    );
    this.dependOnName =
      !this.complete || this.#rules.some(({ resourceNames = [] }) => resourceNames.length > 0);
    this.digest = this.#rules
      .map(({ verbs, resourceNames = [] }) => JSON.stringify([verbs.toSorted(), resourceNames.toSorted()]))
      .sort()
      .join();
  }

  /** A rule with resourceNames allows only requests that name an object: never create, nor a list of all. */
  allows(verb: Verb | WatchVerb, name?: string): boolean {
    return this.#rules.some(
      ({ verbs, resourceNames = [] }) =>
        includes(verbs, verb) &&
        (resourceNames.length === 0 ||
          (name !== undefined && verb !== 'create' && resourceNames.includes(name))),
    );
  }
}

function includes(values: string[] | undefined, value: string): boolean {
  return values?.some((item) => item === '*' || item === value) ?? false;
}

/** What a tenant lacks for one ConfigMap of a namespace. */
export interface AccessVerdict {
  /** In the order of `VERBS`; empty where everything is allowed. */
  missing: Verb[];
  /** The `Audit-Id` of the answer that said so. */
  auditID: string | undefined;
}

/** What was asked of the API server. */
interface Judgement {
  /** Undefined where the answer holds for every name. */
  name: string | undefined;
  verbs: readonly Verb[];
  /** Undefined until the answer is there. */
  verdict: AccessVerdict | undefined;
  answer: Promise<AccessVerdict>;
}

type ReviewAnswer = ApiResponse<{ status?: RulesReviewStatus & { allowed?: boolean } }>;

/**
 * What one tenant may do to ConfigMaps in one namespace, as the API server answers it under the tenant's own token.
 * Answers are kept until something says that they changed: a refused request, or {@link recheck}.
 */
export class NamespaceAccess {
  readonly #tenant: Tenant;
  readonly #namespace: string;
  readonly #onOutdated: () => void;
  /** Another map whenever the verdicts so far lose their worth: one that was under way then is not kept either. */
  #judgements = new Map<string, Judgement>();
  #rules: Promise<AccessRules> | undefined;
  /** The same, once they are read. */
  #read: AccessRules | undefined;

  /** @param onOutdated Called where the rules that were read last are older than what a review has answered since. */
  constructor(tenant: Tenant, namespace: string, onOutdated: () => void) {
    this.#tenant = tenant;
    this.#namespace = namespace;
    this.#onOutdated = onOutdated;
  }

  /** True while something that was asked for is missing. */
  get denied(): boolean {
    return [...this.#judgements.values()].some(({ verdict }) => (verdict?.missing.length ?? 0) > 0);
  }

  /** What is known without asking; undefined where that is nothing. */
  known(name: string, verbs: readonly Verb[]): AccessVerdict | undefined {
    const anyName = this.#read?.dependOnName === false;
    return this.#judgements.get(keyOf(anyName ? undefined : name, verbs))?.verdict;
  }

  /** Asks where nothing is known. Callers share the answer, for all names of the namespace where none has rules of its own. */
  async verdict(name: string, verbs: readonly Verb[], signal: AbortSignal): Promise<AccessVerdict> {
    const { dependOnName } = await this.rules(signal);
    const boundTo = dependOnName ? name : undefined;
    const key = keyOf(boundTo, verbs);
    const judgements = this.#judgements;
    let judgement = judgements.get(key);
    if (judgement === undefined) {
      const answer = this.#judge(name, verbs, this.#tenant.ended);
      const asked: Judgement = { name: boundTo, verbs, verdict: undefined, answer };
      judgement = asked;
      judgements.set(key, asked);
      answer.then(
        (verdict) => (asked.verdict = verdict),
        () => judgements.delete(key),
      );
    }
    return judgement.verdict ?? abortable(judgement.answer, signal);
  }

  /** True where the rules allow all of it, so that {@link verdict} has the answer at once. */
  async isPlainlyAllowed(name: string, verbs: readonly Verb[], signal: AbortSignal): Promise<boolean> {
    const rules = await this.rules(signal);
    return rules.complete && verbs.every((verb) => rules.allows(verb, name));
  }

  /** The rules as they were last read. Callers share a reading, and each waits no longer than its own signal allows. */
  async rules(signal: AbortSignal): Promise<AccessRules> {
    if (this.#rules === undefined) {
      // Not under the signal of the caller that happened to be the first: others wait for it as well.
      const reading = this.#readRules(this.#tenant.ended, 'new');
      this.#rules = reading;
      reading.then(
        (rules) => {
          if (this.#rules === reading) this.#read = rules;
        },
        () => {
          if (this.#rules === reading) this.#rules = undefined;
        },
      );
    }
    return abortable(this.#rules, signal);
  }

  /** The API server refused what we thought was allowed: ask again. */
  invalidate(): void {
    this.#rules = this.#read = undefined;
    this.#judgements = new Map();
  }

  /** Drops what was found for other names: nobody cares for them any more. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const [key, { name }] of this.#judgements) {
      if (name === undefined ? names.size === 0 : !names.has(name)) this.#judgements.delete(key);
    }
  }

  /** Asks once more; true where the answer differs from the last one. */
  async recheck(signal: AbortSignal): Promise<boolean> {
    if (this.#rules === undefined) return false;
    const before = await this.rules(signal);
    const now = await this.#readRules(signal, 'background');
    this.#rules = Promise.resolve(now);
    this.#read = now;
    if (now.digest !== before.digest || now.complete !== before.complete) {
      this.#judgements = new Map();
      return true;
    }
    return now.complete ? false : this.#recheckVerdicts(signal);
  }

  /** Where rules cannot be listed, the verdicts themselves have to be compared. */
  async #recheckVerdicts(signal: AbortSignal): Promise<boolean> {
    let changed = false;
    const judgements = this.#judgements;
    for (const judgement of judgements.values()) {
      const { name = '', verbs, verdict } = judgement;
      if (verdict === undefined) continue;
      const now = await this.#judge(name, verbs, signal);
      if (judgements !== this.#judgements) return true;
      if (now.missing.join() === verdict.missing.join()) continue;
      judgement.verdict = now;
      changed = true;
    }
    return changed;
  }

  async #judge(name: string, verbs: readonly Verb[], signal: AbortSignal): Promise<AccessVerdict> {
    if (await this.isPlainlyAllowed(name, verbs, signal)) return { missing: [], auditID: undefined };
    const rules = this.#read;
    const reviews = await Promise.all(verbs.map((verb) => this.#review(verb, name, signal)));
    const refused = reviews.filter(({ missing }) => missing.length > 0);
    // Granted between the two questions: what the rules say of watching is outdated as well.
    if (refused.length === 0 && rules?.complete === true && rules === this.#read) {
      this.#rules = this.#read = undefined;
      this.#onOutdated();
    }
    return { missing: refused.flatMap(({ missing }) => missing), auditID: refused[0]?.auditID };
  }

  async #review(verb: Verb, name: string, signal: AbortSignal): Promise<AccessVerdict> {
    const attributes = { namespace: this.#namespace, verb, version: 'v1', resource: 'configmaps' };
    // As for the real request: a create has no name when it is authorized.
    const spec = { resourceAttributes: verb === 'create' ? attributes : { ...attributes, name } };
    const { body, auditID } = await this.#ask('SelfSubjectAccessReview', spec, signal, 'background');
    return { missing: body.status?.allowed === true ? [] : [verb], auditID };
  }

  async #readRules(signal: AbortSignal, priority: Priority): Promise<AccessRules> {
    const spec = { namespace: this.#namespace };
    const { body } = await this.#ask('SelfSubjectRulesReview', spec, signal, priority);
    return new AccessRules(body.status ?? {});
  }

  #ask(kind: string, spec: object, signal: AbortSignal, priority: Priority): Promise<ReviewAnswer> {
    return this.#tenant.request({ ...reviewRequest('authorization.k8s.io', kind, spec), signal }, priority);
  }
}

function keyOf(name: string | undefined, verbs: readonly Verb[]): string {
  return `${name ?? ''} ${verbs.join()}`;
}
