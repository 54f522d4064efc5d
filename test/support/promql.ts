const WORDS = new Set(
  'and or unless by without on ignoring group_left group_right offset bool inf nan start end'.split(' '),
);

/**
 * The names of the metrics that a PromQL query asks for. Made for our own queries: label matchers, groupings, strings and
 * functions are taken away, and what is left of names are metrics.
 */
export function metricNames(query: string): string[] {
  const bare = query
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = [...bare.matchAll(/(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\w|\s*\()/g)].map(([, name = '']) => name);
  return [...new Set(names.filter((name) => !WORDS.has(name.toLowerCase())))];
}
