import type { V1ResourceRule, V1SubjectRulesReviewStatus } from '@kubernetes/client-node';
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
