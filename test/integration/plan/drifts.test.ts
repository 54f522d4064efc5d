import { expect } from 'chai';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, NEEDED_VERBS } from '../../support/tenant.js';
import type { Effects } from './effects.js';
import { play, type PlayedStory } from './foretelling.js';
import { namespaceStory, specStory, type Story } from './stories.js';

const NOTHING: Effects = {
  created: [],
  updated: [],
  pruned: [],
  conflicting: [],
  denied: [],
  missing: [],
};

const open = namespaceStory();
const unlisted = namespaceStory({ verbs: NEEDED_VERBS });

const both = specStory({ targets: [0, 1] });

function story(given: Partial<Story> & Pick<Story, 'planned'>): Story {
  return {
    namespaces: [open, open],
    isGrantedEverywhere: false,
    source: 'present',
    earlier: [both],
    change: null,
    ...given,
  };
}

/** Worlds in which the outcome is hard to foretell; namespaces are numbered. */
const CASES: Record<string, { story: Story; effects: Partial<Effects> }> = {
  'prunes a former copy where the new name is held by a foreign ConfigMap': {
    story: story({
      namespaces: [open, namespaceStory({ occupant: 'foreign', occupantName: 'alpha' })],
      planned: { ...both, name: 'alpha' },
    }),
    effects: { created: ['0/alpha'], pruned: ['0/source', '1/source'], conflicting: ['1/alpha'] },
  },
  'prunes a former copy where the new name is held by another ConfigMapSync': {
    story: story({
      namespaces: [open, namespaceStory({ occupant: "another ConfigMapSync's", occupantName: 'alpha' })],
      planned: { ...both, name: 'alpha', conflictPolicy: 'Overwrite' },
    }),
    effects: { created: ['0/alpha'], pruned: ['0/source', '1/source'], conflicting: ['1/alpha'] },
  },
  'finds a foreign ConfigMap in a namespace that was added to the list': {
    story: story({
      namespaces: [open, namespaceStory({ occupant: 'foreign' })],
      earlier: [specStory({ targets: [0] })],
      planned: both,
    }),
    effects: { conflicting: ['1/source'] },
  },
  'prunes a namespace that was taken off the list when the source is missing': {
    story: story({
      change: { source: 'missing', verbs: [ALL_VERBS, ALL_VERBS] },
      planned: specStory({ targets: [0] }),
    }),
    effects: { pruned: ['1/source'] },
  },
  'prunes a namespace that was taken off the list when the source cannot be read': {
    story: story({
      change: { source: 'denied', verbs: [ALL_VERBS, ALL_VERBS] },
      planned: specStory({ targets: [0] }),
    }),
    effects: { pruned: ['1/source'] },
  },
  'releases a copy in a namespace that was taken off the list when the source is missing': {
    story: story({
      change: { source: 'missing', verbs: [ALL_VERBS, ALL_VERBS] },
      planned: specStory({ targets: [0], deletionPolicy: 'Orphan' }),
    }),
    effects: { pruned: ['1/source'] },
  },
  'reports a former copy that cannot be deleted, of a name that is in neither spec': {
    story: story({
      namespaces: [unlisted, unlisted],
      earlier: [both, { ...both, name: 'alpha' }],
      change: { source: 'present', verbs: [NEEDED_VERBS, ['get', 'create', 'update']] },
      planned: specStory({ targets: [0], name: 'alpha' }),
    }),
    effects: { denied: ['1'] },
  },
  'still cannot prune a copy from an earlier spec when the source cannot be read': {
    story: story({
      earlier: [both, specStory({ targets: [0] })],
      change: { source: 'denied', verbs: [ALL_VERBS, ['get', 'create', 'update', 'list']] },
      planned: specStory({ targets: [0], labels: { tier: 'web' } }),
    }),
    effects: { denied: ['1'] },
  },
  'prunes a former copy of a name that is in neither spec': {
    story: story({
      namespaces: [unlisted, unlisted],
      earlier: [both, { ...both, name: 'alpha' }],
      change: { source: 'missing', verbs: [NEEDED_VERBS, NEEDED_VERBS] },
      planned: specStory({ targets: [0], name: 'alpha' }),
    }),
    effects: { pruned: ['1/source'] },
  },
  'prunes all copies under sourceDeletionPolicy Delete, former names included': {
    story: story({
      namespaces: [unlisted, unlisted],
      earlier: [both, { ...both, name: 'alpha' }],
      change: { source: 'missing', verbs: [NEEDED_VERBS, NEEDED_VERBS] },
      planned: { ...both, name: 'alpha', sourceDeletionPolicy: 'Delete' },
    }),
    effects: { pruned: ['0/source', '1/source'] },
  },
};

describe('config-weaver plan, case by case', () => {
  let fixture: SyncFixture;
  const played = new Map<string, PlayedStory>();

  before(async function () {
    this.timeout(120_000);
    fixture = await SyncFixture.start();
    const outcomes = await play(
      fixture,
      Object.values(CASES).map((one) => one.story),
    );
    for (const [index, title] of Object.keys(CASES).entries()) played.set(title, outcomes[index]!);
  });
  after(() => fixture.end());

  for (const [title, { effects }] of Object.entries(CASES)) {
    it(`foretells what the operator does when it ${title}`, () => {
      const { foretold, happened, details } = played.get(title)!;

      expect(happened, details).to.deep.equal({ ...NOTHING, ...effects });
      expect(foretold, details).to.deep.equal(happened);
    });
  }
});
