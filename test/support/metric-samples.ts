/** One line of the Prometheus text format. */
export interface Sample {
  metric: string;
  labels: Record<string, string>;
  value: number;
}

/** Reads what our own server prints: no exemplars, no timestamps. */
export function parseSamples(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const {
        metric = '',
        labels = '',
        value = '',
      } = /^(?<metric>[^{\s]+)(?:\{(?<labels>.*)\})? (?<value>\S+)$/.exec(line)?.groups ?? {};
      const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)];
      return {
        metric,
        labels: Object.fromEntries(pairs.map(([, name = '', text = '']) => [name, unescape(text)])),
        value: Number(value),
      };
    });
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
