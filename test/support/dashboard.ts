import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../hack/repository.js';

/** The parts of a Grafana dashboard that our tests look at. */
export interface Dashboard {
  uid: string;
  title: string;
  schemaVersion: number;
  templating: { list: DashboardVariable[] };
  annotations: { list: { name: string; expr?: string }[] };
  panels: Panel[];
}

export interface DashboardVariable {
  name: string;
  type: string;
  definition?: string;
  allValue?: string;
}

export interface Panel {
  id: number;
  title: string;
  type: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { refId: string; expr: string; legendFormat: string }[];
  fieldConfig?: { defaults: { unit?: string } };
}

/** One query of a panel. */
export interface PanelQuery {
  panel: string;
  expr: string;
  /** Names of the labels that the legend shows. */
  legendLabels: string[];
}

export async function shippedDashboard(): Promise<Dashboard> {
  const text = await readFile(join(repositoryRoot(), 'config/grafana/config-weaver.json'), 'utf8');
  return JSON.parse(text) as Dashboard;
}

export function queriesOf({ panels }: Dashboard): PanelQuery[] {
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      panel: title,
      expr,
      legendLabels: [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
    })),
  );
}

/**
 * `$name` and `${name}` become values, as Grafana does it.
 * @throws Error for a variable without a value
 */
export function fillVariables(query: string, values: Readonly<Record<string, string>>): string {
  return query.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no variable ${whole}: ${query}`);
    return value;
  });
}
