import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Registry } from 'prom-client';

export type ExpositionFormat = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES: Record<ExpositionFormat, string> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** Others have the event loop when that many milliseconds are over: what tenants multiply makes a metric large. */
const SLICE_MS = 2;

/**
 * Renders all that is registered, one metric after the other. prom-client writes OpenMetrics as well, but its format is a property of the registry, and one
 * such scrape takes `_total` off the counters of every later Prometheus scrape. Quotes and line breaks in values are escaped
 * there, so what is changed here never is part of one.
 */
export async function renderExposition(registry: Registry, format: ExpositionFormat): Promise<string> {
  const texts: string[] = [];
  let sliceEnd = performance.now() + SLICE_MS;
  for (const { name } of registry.getMetricsAsArray()) {
    if (performance.now() > sliceEnd) {
      await nextTurn();
      sliceEnd = performance.now() + SLICE_MS;
    }
    const text = `${await registry.getSingleMetricAsString(name)}\n`;
    texts.push(format === 'prometheus' ? text : openMetrics(text));
  }
  if (format === 'openmetrics') texts.push('# EOF\n');
  return texts.join('');
}

function openMetrics(text: string): string {
  return (
    text
      .replace(/^# HELP .*/gm, (help) => help.replaceAll('"', '\\"'))
      // A counter's family is named without the suffix that its samples have.
      .replace(/^# HELP (\w+)_total (.*\n)# TYPE \1_total counter$/gm, '# HELP $1 $2# TYPE $1 counter')
      // Bounds are canonical floats: `1.0`, not `1`.
      .replace(/([{,](?:le|quantile)="\d+)"/g, '$1.0"')
  );
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
