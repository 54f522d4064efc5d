import type { TargetFinding } from '../../../reporting/denial.js';

/** A list of findings with just the fields that scripts rely on, in that order. */
export function renderJson(rows: readonly TargetFinding[]): string {
  const list = rows.map(
    ({ namespace, name, serviceAccount, targetNamespace, state, reason, missingVerbs, since }) => ({
      namespace,
      name,
      serviceAccount,
      targetNamespace,
      state,
      reason,
      missingVerbs,
      since,
    }),
  );
  return `${JSON.stringify(list, undefined, 2)}\n`;
}
