import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { repositoryRoot } from '../../hack/repository.js';

export interface AlertingRule {
  alert: string;
  expr: string;
  for?: string;
  keep_firing_for?: string;
  labels: Record<string, string>;
  annotations: { summary: string; description: string; runbook_url: string };
}

export interface RecordingRule {
  record: string;
  expr: string;
}

export interface RuleGroup {
  name: string;
  rules: (AlertingRule | RecordingRule)[];
}

/** The groups of the PrometheusRule that we ship. */
export async function shippedRules(): Promise<RuleGroup[]> {
  const text = await readFile(join(repositoryRoot(), 'config/prometheus/rules.yaml'), 'utf8');
  return (parse(text) as { spec: { groups: RuleGroup[] } }).spec.groups;
}

export function alertsOf(groups: readonly RuleGroup[]): AlertingRule[] {
  return groups.flatMap(({ rules }) => rules.filter((rule): rule is AlertingRule => 'alert' in rule));
}

/** The text of a rule file as Prometheus itself reads it; `waitFor` replaces how long each alert waits, and stays. */
export function ruleFile(groups: readonly RuleGroup[], waitFor?: string): string {
  const shortened = groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) =>
      'alert' in rule && rule.for !== undefined && waitFor !== undefined
        ? { ...rule, for: waitFor, ...(rule.keep_firing_for && { keep_firing_for: waitFor }) }
        : rule,
    ),
  }));
  return stringify({ groups: shortened });
}
