import type { MetricObjectWithValues, MetricValue } from 'prom-client';

export type ExpositionFormat = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES: Record<ExpositionFormat, string> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** One family of series, as prom-client's registry hands it out. */
export type MetricFamily = MetricObjectWithValues<MetricValue<string> & { metricName?: string }>;

/**
 * Renders families as text. prom-client has a renderer as well, but its format is a property of the registry, and
 * one OpenMetrics scrape takes `_total` off the counters of every later Prometheus scrape.
 */
export function renderExposition(families: readonly MetricFamily[], format: ExpositionFormat): string {
  const open = format === 'openmetrics';
  const lines: string[] = [];
  for (const family of families) {
    // OpenMetrics names a counter's family without the suffix that its samples have.
    const name = open && isCounter(family) ? family.name.replace(/_total$/, '') : family.name;
    const help = escapeBackslashes(family.help);
    lines.push(`# HELP ${name} ${open ? help.replaceAll('"', '\\"') : help}`);
    lines.push(`# TYPE ${name} ${String(family.type)}`);
    const sample = open && isCounter(family) ? `${name}_total` : family.name;
    for (const value of family.values) {
      lines.push(
        `${value.metricName ?? sample}${renderLabels(value.labels, open)} ${renderNumber(value.value)}`,
      );
    }
  }
  if (open) lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

/** prom-client's types say it is an enum of numbers; at run time it is the word. */
function isCounter(family: MetricFamily): boolean {
  return String(family.type) === 'counter';
}

function renderLabels(labels: MetricFamily['values'][number]['labels'], open: boolean): string {
  let text = '';
  for (const [name, value] of Object.entries(labels)) {
    if (value === undefined) continue;
    const label = typeof value === 'string' ? escapeLabel(value) : renderBound(value, open);
    text += `${text === '' ? '{' : ','}${name}="${label}"`;
  }
  return text === '' ? '' : `${text}}`;
}

/** OpenMetrics wants `le` and `quantile` as canonical floats: `1.0`, not `1`. */
function renderBound(bound: number, open: boolean): string {
  return open && Number.isInteger(bound) ? bound.toFixed(1) : renderNumber(bound);
}

function renderNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeLabel(text: string): string {
  return /["\\\n]/.test(text) ? escapeBackslashes(text).replaceAll('"', '\\"') : text;
}

function escapeBackslashes(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/**
 * What a client wants, by its Accept header: OpenMetrics where it is named and liked at least as well as plain
 * text, else Prometheus' own format, which a person's browser or curl can read too.
 */
export function negotiateFormat(accept: string | undefined): ExpositionFormat {
  const ranges = parseWeighted(accept);
  const liking = (type: string, version: string): number => {
    const fitting = ranges.filter(
      ({ value, parameters }) => value === type && ['', version].includes(parameters.get('version') ?? ''),
    );
    return Math.max(0, ...fitting.map(({ weight }) => weight));
  };
  const open = liking('application/openmetrics-text', '1.0.0');
  return open > 0 && open >= liking('text/plain', '0.0.4') ? 'openmetrics' : 'prometheus';
}

/** Whether a client named gzip in its Accept-Encoding header. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return parseWeighted(acceptEncoding).some(({ value, weight }) => value === 'gzip' && weight > 0);
}

function parseWeighted(header = '') {
  return header.split(',').map((range) => {
    const [value = '', ...rest] = range.split(';').map((part) => part.trim().toLowerCase());
    const parameters = new Map<string, string>();
    for (const part of rest) {
      const [name = '', text = ''] = part.split('=', 2);
      parameters.set(name.trim(), text.trim().replace(/^"(.*)"$/, '$1'));
    }
    const weight = Number(parameters.get('q') ?? 1);
    return { value, parameters, weight: weight >= 0 && weight <= 1 ? weight : 0 };
  });
}
