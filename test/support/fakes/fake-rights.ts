import type { RulesReviewStatus } from '../../../src/tenant/namespace-access.js';
import type { Sent } from './fake-api.js';

interface AccessReviewBody {
  spec: { resourceAttributes: { verb: string; name?: string } };
}

/** What one ServiceAccount may do to ConfigMaps, and how the API server tells it under its own token. */
export class FakeRights {
  /** Verbs on every ConfigMap. */
  verbs: string[];
  /** Verbs on ConfigMaps of one name only. */
  named: { name: string; verbs: string[] } | undefined;
  /** An authorizer that cannot list its rules grants the verbs. */
  unlisted = false;

  constructor(...verbs: string[]) {
    this.verbs = verbs;
  }

  /** The answer to a review of either kind; undefined where the request is none. */
  review({ path, body }: Sent): object | undefined {
    if (path.endsWith('/selfsubjectrulesreviews')) return { status: this.#rules() };
    if (!path.endsWith('/selfsubjectaccessreviews')) return undefined;
    const { verb, name } = (body as AccessReviewBody).spec.resourceAttributes;
    const byName = name !== undefined && this.named?.name === name && this.named.verbs.includes(verb);
    return { status: { allowed: this.verbs.includes(verb) || byName } };
  }

  #rules(): RulesReviewStatus {
    if (this.unlisted) return { incomplete: true, resourceRules: [] };
    const scope = { apiGroups: [''], resources: ['configmaps'] };
    return {
      resourceRules: [
        { ...scope, verbs: this.verbs },
        ...(this.named === undefined
          ? []
          : [{ ...scope, verbs: this.named.verbs, resourceNames: [this.named.name] }]),
      ],
    };
  }
}
