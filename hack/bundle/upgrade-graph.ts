import { bundleNameOf, type CatalogTemplate, type Channel } from './catalog-template.js';

/**
 * What is wrong with the releases' order, in sentences: opm refuses some of it when a catalog is built, and the rest strands
 * installations that follow a channel.
 */
export function upgradeProblems(template: CatalogTemplate): string[] {
  const { package: pack, channels, images } = template;
  const names = images.map((image) => bundleNameOf(pack.name, image));
  const untagged = images.filter((_, index) => names[index] === undefined);
  const bundles = new Set(names.filter((name) => name !== undefined));
  return [
    ...untagged.map((image) => `${image} has no tag vX.Y.Z`),
    ...(channels.some(({ name }) => name === pack.defaultChannel)
      ? []
      : [`the default channel ${pack.defaultChannel} does not exist`]),
    ...channels.flatMap((channel) => channelProblems(channel, bundles)),
    ...unlisted(channels, bundles),
  ];
}

function channelProblems(channel: Channel, bundles: ReadonlySet<string>): string[] {
  const { name, entries } = channel;
  const problems = entries
    .filter((entry) => !bundles.has(entry.name))
    .map((entry) => `${name}: there is no bundle image of ${entry.name}`);
  const heads = headsOf(channel);
  if (heads.length !== 1) {
    problems.push(`${name}: one release should be the head, not ${heads.join(' and ') || 'none of them'}`);
  }
  const reached = reachable(channel, heads);
  for (const entry of entries) {
    if (!reached.has(entry.name)) problems.push(`${name}: no upgrade leads on from ${entry.name}`);
  }
  return problems;
}

/** Entries that no other one takes the place of. */
function headsOf({ entries }: Channel): string[] {
  const replaced = new Set(entries.flatMap(({ replaces, skips = [] }) => [replaces, ...skips]));
  return entries.map(({ name }) => name).filter((name) => !replaced.has(name));
}

/** All that upgrades lead to the heads from. Each is visited once, so that a circle ends. */
function reachable({ entries }: Channel, heads: readonly string[]): ReadonlySet<string> {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const reached = new Set<string>();
  const open = [...heads];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const entry = byName.get(name);
    if (entry === undefined || reached.has(name)) continue;
    reached.add(name);
    if (entry.replaces !== undefined) open.push(entry.replaces);
    open.push(...(entry.skips ?? []));
  }
  return reached;
}

function unlisted(channels: readonly Channel[], bundles: ReadonlySet<string>): string[] {
  const listed = new Set(channels.flatMap(({ entries }) => entries.map(({ name }) => name)));
  return [...bundles].filter((name) => !listed.has(name)).map((name) => `${name} is in no channel`);
}
